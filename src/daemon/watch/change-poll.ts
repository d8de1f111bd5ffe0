import fs from "node:fs";
import { posix } from "node:path";
import { listIfThere, statIfThere, toBuffer } from "../../host/fs/files.ts";
import type { Slug } from "../../model/slug.ts";
import type { RawPath, Worktree } from "../../model/worktree.ts";

/** What a glance compares: a few times of change, one system call a worktree. */
export interface Snapshot {
  /** When the list of git's names changed last. */
  readonly listed: bigint;
  /** git's names of linked worktrees, one character a byte. */
  readonly names: ReadonlySet<string>;
  /** When the top of each worktree changed last, and which directory it is. */
  readonly tops: ReadonlyMap<Slug, Top>;
  /** When the directories that hold worktrees changed last; paths with one character a byte. */
  readonly places: ReadonlyMap<string, bigint>;
}

interface Top {
  readonly inode: number;
  /** Milliseconds since the epoch; 0 where there is nothing. */
  readonly changed: number;
  /** Nothing is there, and nobody knows yet. */
  readonly missing: boolean;
}

type Known = Pick<Worktree, "slug" | "path" | "state">;

/** Cheap enough for every few seconds: has anything changed that is worth a look? */
export function takeSnapshot(
  commonDir: string,
  worktrees: readonly Known[],
  before?: Snapshot,
): Snapshot {
  const list = `${commonDir}/worktrees`;
  const listed = changeOf(list);
  // Before the worktrees themselves: what changes meanwhile is seen once more.
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
 * Whether a worktree may have come, gone or moved since: most lie beside each other, so that this
 * takes hardly any system calls. What changed within one does not show here.
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

/** Of a thousand worktrees every few seconds, and it never changes. */
function placeOf(worktree: Known): string {
  const known = placesKnown.get(worktree);
  if (known !== undefined) return known;
  const place = posix.dirname(toBuffer(worktree.path).toString("latin1"));
  placesKnown.set(worktree, place);
  return place;
}

/** Nanoseconds since the epoch; 0 where there is nothing. */
function changeOf(path: RawPath | string): bigint {
  return statIfThere(path)?.mtimeNs ?? 0n;
}

/** When a worktree's top changed last, as a glance sees it. */
export function changeTimeOf(path: RawPath): number {
  return lstat(path)?.mtimeMs ?? 0;
}

function topOf({ path, state }: Known): Top {
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
