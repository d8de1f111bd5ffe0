import { lstatIfThere, statIfThere } from "../host/files.ts";
import type { Slug } from "../model/slug.ts";
import type { RawPath } from "../model/worktree.ts";

/** What a glance compares: a few times of change, one system call a worktree. */
export interface Glance {
  readonly worktrees: string;
  readonly tops: ReadonlyMap<Slug, string>;
}

/** Cheap enough for every second: has anything changed that is worth a look? */
export function glance(
  commonDir: string,
  worktrees: readonly { readonly slug: Slug; readonly path: RawPath }[],
): Glance {
  const stat = statIfThere(`${commonDir}/worktrees`);
  return {
    worktrees: stat ? `${stat.mtimeNs}` : "",
    tops: new Map(worktrees.map(({ slug, path }) => [slug, stampOf(path)])),
  };
}

function stampOf(path: RawPath): string {
  const stat = lstatIfThere(path);
  return stat ? `${stat.ino}:${stat.mtimeNs}` : "";
}

/** The worktrees to look at; `all` when one may have come or gone. */
export function changedSince(before: Glance, now: Glance): "all" | readonly Slug[] {
  if (before.worktrees !== now.worktrees) return "all";
  return [...now.tops].flatMap(([slug, stamp]) => (before.tops.get(slug) === stamp ? [] : [slug]));
}
