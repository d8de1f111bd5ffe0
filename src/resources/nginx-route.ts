import fs from "node:fs";
import { linkAtomically, listIfThere, readlinkIfThere, statIfThere } from "../host/files.ts";
import type { RawPath } from "../model/worktree.ts";
import type { Resource } from "./resource.ts";

type Links = ReadonlyMap<string, RawPath>;

const DEFAULT = ".default";

/**
 * An address needs no line in nginx.conf: a directory of links to frontends, and
 * one for the sockets of backends. `.default` says whose the bare addresses are.
 */
export const nginxRoute: Resource<Links, Links> = {
  kind: "route",

  want(facts) {
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

  async have({ layout }, scope) {
    const found = new Map<string, Links>();
    const slugs = scope ? [...scope] : listIfThere(layout.documents).map(String);
    for (const slug of slugs.filter((name) => !name.startsWith("."))) {
      const directory = `${layout.documents}/${slug}`;
      if (!statIfThere(directory)?.isDirectory() || !statIfThere(`${layout.sockets}/${slug}`))
        continue;
      found.set(
        slug,
        new Map(
          listIfThere(directory).map((name) => [
            name.toString(),
            readlinkIfThere(`${directory}/${name}`) ?? Buffer.alloc(0),
          ]),
        ),
      );
    }
    const chosen = readlinkIfThere(`${layout.documents}/${DEFAULT}`);
    // One that leads nowhere, or elsewhere than the other, is none.
    const agreed = same(chosen, readlinkIfThere(`${layout.sockets}/${DEFAULT}`));
    if (chosen && agreed && (!scope || scope.has(chosen.toString()))) {
      found.set(DEFAULT, new Map([["", chosen]]));
    }
    return found;
  },

  differ(want, have) {
    if (!want) return { action: "remove", why: "its worktree is gone" };
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

  async apply({ layout }, step, want, have) {
    const path = `${layout.documents}/${step.key}`;
    if (step.key === DEFAULT) {
      const chosen = want?.get("");
      for (const link of [`${layout.sockets}/${DEFAULT}`, path]) {
        if (chosen) linkAtomically(chosen, link);
        // Another worktree may have become the default one since we looked.
        else if (same(readlinkIfThere(link), have?.get(""))) fs.rmSync(link, { force: true });
      }
      return;
    }
    if (!want) {
      fs.rmSync(path, { recursive: true, force: true });
      fs.rmSync(`${layout.sockets}/${step.key}`, { recursive: true, force: true });
      return;
    }
    fs.mkdirSync(`${layout.sockets}/${step.key}`, { recursive: true, mode: 0o700 });
    fs.mkdirSync(path, { recursive: true, mode: 0o700 });
    for (const [name, target] of want) {
      if (!same(target, have?.get(name))) linkAtomically(target, `${path}/${name}`);
    }
    for (const name of listIfThere(path).map(String)) {
      if (!want.has(name)) fs.rmSync(`${path}/${name}`, { force: true });
    }
  },
};

function same(a: RawPath | undefined, b: RawPath | undefined): boolean {
  return a !== undefined && b !== undefined && Buffer.compare(a, b) === 0;
}
