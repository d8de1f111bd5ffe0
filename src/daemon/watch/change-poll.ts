import fs from "node:fs";
import { posix } from "node:path";
import { listIfThere, statIfThere, toBuffer } from "../../host/fs/files.ts";
import type { Slug } from "../../model/slug.ts";
import type { RawPath, Worktree } from "../../model/worktree.ts";

/** What a poll compares: a few mtimes, one system call per worktree. */
export interface Snapshot {
  /** mtime of the common directory's `worktrees`. */
  readonly listed: bigint;
  /** git's names of linked worktrees, in latin1. */
  readonly names: ReadonlySet<string>;
  /** mtime and inode of the top directory of each worktree. */
  readonly tops: ReadonlyMap<Slug, Top>;
  /** mtimes of the parent directories of worktrees, by path in latin1. */
  readonly places: ReadonlyMap<string, bigint>;
}

interface Top {
  readonly inode: number;
  /** Milliseconds since the epoch; 0 if missing. */
  readonly changed: number;
  /** The directory is missing, but the worktree is still known as present. */
  readonly missing: boolean;
}

type Known = Pick<Worktree, "slug" | "path" | "state">;

/** Takes a snapshot to compare with the last one; cheap enough for every few seconds. */
export function takeSnapshot(
  commonDir: string,
  worktrees: readonly Known[],
  before?: Snapshot,
): Snapshot {
  const list = `${commonDir}/worktrees`;
  const listed = changeOf(list);
  // Read the parents first: a change in between then shows up in the next comparison.
  const places = placesOf(worktrees);
  return {
    listed,
    names:
      before?.listed === listed
        ? before.names
        : new Set(listIfThere(list).map((name) => name.toString("latin1"))),
    tops: new Map(worktrees.map((worktree) => [worktree.slug, topOf(worktree)])),
    places,
  };
}

/**
 * Tells whether a worktree may have been added, removed or moved since. Needs few system calls, as most
 * worktrees share a parent directory. Does not detect changes within a worktree.
 */
export function hasChanged(commonDir: string, { listed, places }: Snapshot): boolean {
  if (changeOf(`${commonDir}/worktrees`) !== listed) return true;
  return [...places].some(([place, changed]) => changeOf(Buffer.from(place, "latin1")) !== changed);
}

function placesOf(worktrees: readonly Known[]): ReadonlyMap<string, bigint> {
  const places = new Set(worktrees.map(placeOf));
  return new Map([...places].map((place) => [place, changeOf(Buffer.from(place, "latin1"))]));
}

const placesKnown = new WeakMap<Known, string>();

/** Returns the parent directory, cached: it never changes, and is needed for every worktree at every poll. */
function placeOf(worktree: Known): string {
  const known = placesKnown.get(worktree);
  if (known !== undefined) return known;
  const place = posix.dirname(toBuffer(worktree.path).toString("latin1"));
  placesKnown.set(worktree, place);
  return place;
}

/** Reads an mtime in nanoseconds since the epoch; 0 if missing. */
function changeOf(path: RawPath | string): bigint {
  return statIfThere(path)?.mtimeNs ?? 0n;
}

/** Reads the mtime of a worktree's top directory, in the unit of a snapshot. */
export function changeTimeOf(path: RawPath): number {
  return lstat(path)?.mtimeMs ?? 0;
}

function topOf({ path, state }: Known): Top {
  // Not as bigint, which would take longer than the system call.
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

/** The differences between two snapshots. */
export interface Changes {
  /** Something was added and removed again in between; it is unknown what. */
  readonly all: boolean;
  /** git's names that were added or removed. */
  readonly names: readonly string[];
  /** Worktrees whose top directory changed, with its mtime; undefined if it is missing or was replaced. */
  readonly tops: ReadonlyMap<Slug, number | undefined>;
}

export function changesSince(before: Snapshot, now: Snapshot): Changes {
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
