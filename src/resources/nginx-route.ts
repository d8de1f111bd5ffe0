import fs from "node:fs";
import { linkAtomically, listIfThere, lstatIfThere, readlinkIfThere } from "../host/fs/files.ts";
import { DEFAULT } from "../host/nginx/default-pointer.ts";
import type { Layout } from "../model/layout.ts";
import { UserError } from "../model/user-error.ts";
import type { RawPath } from "../model/worktree.ts";
import type { Resource } from "./resource.ts";

type Links = ReadonlyMap<string, RawPath>;

/** A key that marks damaged directories; it has a dot, so it is never a slug. */
const SOCKETS = ".sockets";

/**
 * The route of a worktree: a directory of links to frontends and one for the sockets of backends, so that
 * new addresses need no change of nginx.conf. `.default` links to the default worktree.
 */
export const nginxRoute: Resource<Links, Links> = {
  kind: "route",

  desired(facts) {
    const wants = new Map<string, Links>();
    for (const worktree of facts.worktrees) {
      const links = new Map<string, RawPath>();
      for (const { unnamed, slug, frontend } of worktree.services) {
        if (frontend) links.set(unnamed ? "frontend" : slug, frontend);
      }
      wants.set(worktree.slug, links);
      if (worktree.isDefault) wants.set(DEFAULT, new Map([["", Buffer.from(worktree.slug)]]));
    }
    return wants;
  },

  async observe({ layout, pointer }, scope) {
    const found = new Map<string, Links>();
    if (!isInside(layout)) return found;
    const slugs = scope ? [...scope] : listIfThere(layout.documents).map(String);
    for (const slug of slugs.filter((name) => !name.startsWith("."))) {
      const directory = `${layout.documents}/${slug}`;
      const present = lstatIfThere(directory);
      if (!present) continue;
      const links = (present.isDirectory() ? listIfThere(directory) : []).map(
        (name): [string, RawPath] => [
          name.toString(),
          readlinkIfThere(`${directory}/${name}`) ?? Buffer.alloc(0),
        ],
      );
      // Report incomplete or foreign directories too, so that they are repaired or removed.
      const whole = present.isDirectory() && isDirectory(`${layout.sockets}/${slug}`);
      found.set(slug, new Map(whole ? links : [...links, [SOCKETS, Buffer.alloc(0)]]));
    }
    const chosen = pointer.slug;
    if (chosen !== undefined && (!scope || scope.has(chosen))) {
      found.set(DEFAULT, new Map([["", Buffer.from(chosen)]]));
    }
    return found;
  },

  compare(want, have) {
    if (!want) return { action: "remove", why: "its worktree was removed" };
    if (!have) return { action: "create", why: "it has no address yet" };
    const changed = [...new Set([...want.keys(), ...have.keys()])].filter(
      (name) => !same(want.get(name), have.get(name)),
    );
    if (changed.length === 0) return undefined;
    const names = changed.filter((name) => name !== "").join(", ");
    return {
      action: "update",
      why: names ? `changed: ${names}` : "another worktree is the default",
    };
  },

  owner(want, have) {
    // Only the key `.default` names no worktree: it belongs to the one it links to.
    return (want ?? have)?.get("")?.toString();
  },

  async apply({ layout, pointer, ports }, step, want, have) {
    if (!isInside(layout)) {
      throw new UserError(
        `${layout.httpd} or ${layout.run} contains a symbolic link in place of a directory; nothing is written through it.`,
        "ikigai start",
      );
    }
    const path = `${layout.documents}/${step.key}`;
    if (step.key === DEFAULT) {
      const chosen = want?.get("")?.toString();
      // Another worktree may have become the default since this was observed.
      if (chosen === undefined) return pointer.remove(have?.get("")?.toString());
      await pointer.turn(chosen);
      ports.setDefault(pointer.slug);
      return;
    }
    const places = [`${layout.sockets}/${step.key}`, path];
    for (const place of places) {
      if (!want || !isDirectory(place)) fs.rmSync(place, { recursive: true, force: true });
      if (want) fs.mkdirSync(place, { recursive: true, mode: 0o700 });
    }
    if (!want) return;
    for (const name of listIfThere(path).map(String)) {
      if (want.has(name) && !isDirectory(`${path}/${name}`)) continue;
      fs.rmSync(`${path}/${name}`, { recursive: true, force: true });
    }
    for (const [name, target] of want) {
      if (!same(target, readlinkIfThere(`${path}/${name}`))) {
        linkAtomically(target, `${path}/${name}`);
      }
    }
  },
};

/**
 * Refuses symbolic links in place of ikigai's directories, which a branch of an ordinary clone can contain.
 */
function isInside({ httpd, documents, run, sockets }: Layout): boolean {
  return [httpd, documents, run, sockets].every((path) => {
    const present = lstatIfThere(path);
    return !present || present.isDirectory();
  });
}

function isDirectory(path: string): boolean {
  return lstatIfThere(path)?.isDirectory() === true;
}

function same(a: RawPath | undefined, b: RawPath | undefined): boolean {
  return a !== undefined && b !== undefined && Buffer.compare(a, b) === 0;
}
