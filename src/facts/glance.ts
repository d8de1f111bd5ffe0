import fs from "node:fs";
import { listIfThere, statIfThere, toBuffer } from "../host/files.ts";
import type { Slug } from "../model/slug.ts";
import type { RawPath, Worktree } from "../model/worktree.ts";

/** What a glance compares: a few times of change, one system call a worktree. */
export interface Glance {
  /** When the list of git's names changed last. */
  readonly listed: bigint;
  /** git's names of linked worktrees, one character a byte. */
  readonly names: ReadonlySet<string>;
  /** When the top of each worktree changed last, and which directory it is. */
  readonly tops: ReadonlyMap<Slug, Top>;
}

interface Top {
  readonly inode: number;
  /** Milliseconds since the epoch; 0 where there is nothing. */
  readonly changed: number;
  /** Nothing is there, and nobody knows yet. */
  readonly missing: boolean;
}

/** Cheap enough for every second: has anything changed that is worth a look? */
export function glance(
  commonDir: string,
  worktrees: readonly Pick<Worktree, "slug" | "path" | "state">[],
  before?: Glance,
): Glance {
  const list = `${commonDir}/worktrees`;
  const listed = statIfThere(list)?.mtimeNs ?? 0n;
  return {
    listed,
    names:
      before?.listed === listed
        ? before.names
        : new Set(listIfThere(list).map((name) => name.toString("latin1"))),
    tops: new Map(worktrees.map((worktree) => [worktree.slug, topOf(worktree)])),
  };
}

function topOf({ path, state }: Pick<Worktree, "path" | "state">): Top {
  // Without 64-bit numbers, which cost more than the system call.
  const stat = lstat(path);
  const missing = stat === undefined && state === "present";
  return { inode: stat?.ino ?? 0, changed: stat?.mtimeMs ?? 0, missing };
}

function lstat(path: RawPath): fs.Stats | undefined {
  try {
    return fs.lstatSync(toBuffer(path), { throwIfNoEntry: false });
  } catch {
    return undefined;
  }
}

/** What is different from the glance before. */
export interface Changes {
  /** Something came and went, and nobody can say what. */
  readonly all: boolean;
  /** git's names that came or went. */
  readonly names: readonly string[];
  /** Worktrees whose top has changed, with the time of the change; unknown where it is away, or another one. */
  readonly tops: ReadonlyMap<Slug, number | undefined>;
}

export function changesSince(before: Glance, now: Glance): Changes {
  const names = [
    ...[...now.names].filter((name) => !before.names.has(name)),
    ...[...before.names].filter((name) => !now.names.has(name)),
  ];
  const tops = new Map<Slug, number | undefined>();
  for (const [slug, { inode, changed, missing }] of now.tops) {
    const { inode: known = inode, changed: then } = before.tops.get(slug) ?? {};
    if (known !== inode || missing) tops.set(slug, undefined);
    else if (then !== changed) tops.set(slug, changed);
  }
  return { all: before.listed !== now.listed && names.length === 0, names, tops };
}
