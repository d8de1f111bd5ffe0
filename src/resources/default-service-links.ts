import fs from "node:fs";
import {
  linkAtomically,
  listLinksIfThere,
  lstatIfThere,
  readlinkIfThere,
} from "../host/fs/files.ts";
import type { Layout } from "../model/layout.ts";
import type { Resource } from "./resource.ts";

/** Names in `sv/` and `logs/` that belong to the project's servers. */
const TAKEN = new Set(["nginx", "postgres", "daemon"]);

/**
 * Links in `sv/` and `logs/` by which the default worktree's services can be named without their worktree.
 */
export const defaultServiceLinks: Resource<string, string> = {
  kind: "service",

  desired(facts) {
    const chosen = facts.worktrees.find((worktree) => worktree.isDefault);
    const named = (chosen?.services ?? []).filter((s) => s.backend && !TAKEN.has(s.slug));
    return new Map(named.map(({ slug }) => [`.${slug}`, `${chosen?.slug}.${slug}`]));
  },

  async observe({ layout }, scope) {
    const links = listLinksIfThere(layout.sv).flatMap((name): [string, string][] => {
      const target = readlinkIfThere(`${layout.sv}/${name}`)?.toString();
      return target === undefined ? [] : [[`.${name}`, target]];
    });
    return new Map(links.filter(([, to]) => !scope || scope.has(to.split(".", 1)[0] ?? "")));
  },

  compare(want, have) {
    if (want === have) return undefined;
    if (want === undefined)
      return { action: "remove", why: "the default worktree has no such service" };
    return { action: have ? "update" : "create", why: "the default worktree has it" };
  },

  owner(want, have) {
    return (want ?? have)?.split(".", 1)[0];
  },

  async apply({ layout }, { key }, want, have) {
    for (const link of linksOf(layout, key.slice(1))) {
      const present = lstatIfThere(link);
      if (present && !present.isSymbolicLink()) continue;
      if (want) linkAtomically(want, link);
      // Another worktree may have become the default since this was observed.
      else if (readlinkIfThere(link)?.toString() === have) fs.rmSync(link, { force: true });
    }
  },
};

function linksOf(layout: Layout, name: string): string[] {
  return [`${layout.sv}/${name}`, `${layout.logs}/${name}`];
}
