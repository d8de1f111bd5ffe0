import fs from "node:fs";
import {
  joinRaw,
  listIfThere,
  lstatIfThere,
  readIfThere,
  sha256,
  statIfThere,
  toBuffer,
} from "../host/fs/files.ts";
import { assignSlugs, isSlug, type Slug } from "../model/slug.ts";
import type { RawPath, Worktree } from "../model/worktree.ts";
import { coreValue, isCoreTrue } from "./git-config.ts";

/** The name of the main worktree of an ordinary clone, for which git has none. */
const MAIN = "main";

interface Raw {
  readonly name: Buffer;
  readonly gitDir: Buffer;
  readonly isMain: boolean;
}

/** The repository is missing or was replaced, so nothing is known about its worktrees. */
export class RepositoryAway extends Error {
  override readonly name = "RepositoryAway";
}

/** Gets whether a worktree's directory is missing, and returns whether the worktree counts as removed. */
export type IsMissing = (identity: string, away: boolean) => boolean;

/** Options for reading worktrees. */
export interface Observation {
  /** The configured default worktree. */
  readonly chosen?: string | undefined;
  readonly isGone?: IsMissing;
  /** Read only these; return the others as they were read last. */
  readonly scope?: ReadonlySet<Slug> | undefined;
}

/**
 * Reads all worktrees of a repository from git's files (gitrepository-layout(5)). Does not use
 * `git worktree list`, which fails while an add is unfinished.
 *
 * @throws RepositoryAway when the repository is missing
 */
export function readWorktrees(
  commonDir: string,
  chosen?: string,
  isGone: IsMissing = (_, away) => away,
): Worktree[] {
  return new WorktreeReader(commonDir).read({ chosen, isGone });
}

/** Reads the worktrees of one repository repeatedly, and remembers the last result. */
export class WorktreeReader {
  readonly #commonDir: string;
  readonly #identity: string;
  #seen = new Map<string, Worktree>();

  constructor(commonDir: string) {
    this.#commonDir = commonDir;
    this.#identity = identityAt(commonDir);
  }

  /**
   * Reads the worktrees.
   *
   * @throws RepositoryAway when the repository is missing or was replaced
   */
  read({ chosen, isGone = (_, away) => away, scope }: Observation = {}): Worktree[] {
    const commonDir = this.#commonDir;
    if (!lstatIfThere(joinRaw(commonDir, "HEAD"))) {
      throw new RepositoryAway(`There is no longer a repository at ${commonDir}.`);
    }
    // The project may have been moved away, and another one put in its place.
    if (identityAt(commonDir) !== this.#identity) {
      throw new RepositoryAway(`There is another repository at ${commonDir} now.`);
    }
    const seen = (scope && this.#readOnly(scope, isGone)) ?? new Map<string, Worktree>();
    for (const { name, slug, isMain } of seen.size > 0 ? [] : this.#list()) {
      const key = isMain ? "" : name;
      const known = this.#seen.get(key);
      const isKnown = scope && !scope.has(slug) && known?.slug === slug;
      const worktree = isKnown ? known : this.#readOne(name, slug, isMain, isGone);
      if (worktree) seen.set(key, worktree);
    }
    const byDefault = chooseDefault([...seen.values()], commonDir, chosen);
    for (const [key, worktree] of seen) {
      const isDefault = worktree === byDefault;
      if (worktree.isDefault !== isDefault) seen.set(key, { ...worktree, isDefault });
    }
    this.#seen = seen;
    return [...seen.values()];
  }

  /** Returns the slug of the worktree with this administrative directory; undefined if there is none. */
  slugAt(gitDir: Uint8Array): Slug | undefined {
    const path = toBuffer(gitDir).toString("latin1");
    const common = Buffer.from(this.#commonDir).toString("latin1");
    const name = path.startsWith(`${common}/worktrees/`)
      ? path.slice(common.length + "/worktrees/".length)
      : undefined;
    if (name !== undefined && this.#isPlain(name)) return lstatIfThere(gitDir) && name;
    return this.#list().find((one) => (one.isMain ? path === common : one.name === name))?.slug;
  }

  /** Whether a name is its own slug, regardless of the other names. */
  #isPlain(name: string): boolean {
    return isSlug(name) && name !== MAIN;
  }

  /** Reads only the scope, and takes the rest from the last result; undefined if the whole list is needed. */
  #readOnly(scope: ReadonlySet<Slug>, isGone: IsMissing): Map<string, Worktree> | undefined {
    if (this.#seen.size === 0) return undefined;
    const seen = new Map(this.#seen);
    for (const slug of scope) {
      const isThere = lstatIfThere(joinRaw(this.#commonDir, "worktrees", slug)) !== undefined;
      // A name that neither exists nor existed may be the slug of another name.
      if (!this.#isPlain(slug) || !(isThere || seen.has(slug))) return undefined;
      const worktree = this.#readOne(slug, slug, false, isGone);
      if (worktree) seen.set(slug, worktree);
      else seen.delete(slug);
    }
    const hasNew = [...scope].some((slug) => seen.has(slug) && !this.#seen.has(slug));
    return hasNew ? inOrder(seen) : seen;
  }

  /** Lists git's names in latin1, in the order of their bytes; the main worktree first. */
  #list(): { readonly name: string; readonly slug: Slug; readonly isMain: boolean }[] {
    const linked = listIfThere(joinRaw(this.#commonDir, "worktrees"))
      .map((name) => name.toString("latin1"))
      .sort();
    const hasMain = !isCoreTrue(this.#commonDir, "bare");
    const names = hasMain ? [MAIN, ...linked] : linked;
    const slugs = slugsOf(names);
    return names.map((name, i) => ({ name, slug: slugs[i] ?? "", isMain: hasMain && i === 0 }));
  }

  #readOne(name: string, slug: Slug, isMain: boolean, isGone: IsMissing): Worktree | undefined {
    const bytes = Buffer.from(name, "latin1");
    const gitDir = isMain
      ? Buffer.from(this.#commonDir)
      : joinRaw(this.#commonDir, "worktrees", bytes);
    return readWorktree({ name: bytes, gitDir, isMain }, slug, this.#commonDir, isGone);
  }
}

/** Sorts by name; cheap, because all but one new entry at the end are sorted already. */
function inOrder(seen: ReadonlyMap<string, Worktree>): Map<string, Worktree> {
  const names = [...seen.keys()].sort();
  const sorted = new Map<string, Worktree>();
  for (const name of names) {
    const worktree = seen.get(name);
    if (worktree) sorted.set(name, worktree);
  }
  return sorted;
}

function identityAt(commonDir: string): string {
  const stat = statIfThere(commonDir);
  return stat ? `${stat.ino}-${stat.birthtimeNs}` : "";
}

/** Assigns slugs; skips the digests in the usual case that all names are slugs already. */
function slugsOf(names: readonly string[]): readonly Slug[] {
  if (names.every(isSlug) && new Set(names).size === names.length) return names;
  return assignSlugs(
    names.map((name) => Buffer.from(name, "latin1")),
    sha256,
  );
}

/** Reads one worktree; undefined if its administrative directory was removed meanwhile. */
function readWorktree(
  raw: Raw,
  slug: string,
  commonDir: string,
  isGone: IsMissing,
): Worktree | undefined {
  const stat = statIfThere(raw.gitDir);
  if (!stat?.isDirectory()) return undefined;
  const path = raw.isMain ? mainPath(commonDir) : linkedPath(raw.gitDir);
  const locked = raw.isMain ? undefined : readIfThere(joinRaw(raw.gitDir, "locked"));
  const branch = branchOf(raw.gitDir);
  const identity = `${stat.ino.toString(36)}-${stat.birthtimeNs.toString(36)}`;
  const presence = presenceOf(path, raw, locked !== undefined);
  const gone = isGone(identity, presence === "away");
  return {
    slug,
    name: raw.name.toString(),
    identity,
    gitDir: raw.gitDir,
    path: path ?? Buffer.alloc(0),
    ...(branch === undefined ? {} : { branch }),
    isMain: raw.isMain,
    isDefault: false,
    ...(locked ? { locked: locked.toString().trim() } : {}),
    state: presence === "away" ? (gone ? "gone" : "unknown") : presence,
  };
}

/**
 * Judges whether a worktree's directory is there. Unknown if `gitdir` is missing (an unfinished add), if a
 * missing worktree is locked (it may be on an unmounted disk), or if another worktree has the directory now.
 */
function presenceOf(
  path: RawPath | undefined,
  raw: Raw,
  locked: boolean,
): "present" | "unknown" | "away" {
  if (!path) return "unknown";
  const dotGit = lstatIfThere(joinRaw(path, ".git"));
  if (dotGit) return raw.isMain || pointsBack(path, raw.gitDir) ? "present" : "unknown";
  return locked || raw.isMain ? "unknown" : "away";
}

/** False only if the `.git` there names another existing directory, of a copy or another repository. */
function pointsBack(path: RawPath, gitDir: Buffer): boolean {
  const dotGit = joinRaw(path, ".git");
  if (!statIfThere(dotGit)?.isFile()) return false;
  const text = readIfThere(dotGit);
  if (!text?.subarray(0, GITDIR.length).equals(GITDIR)) return true;
  const named = withoutNewlines(text.subarray(GITDIR.length));
  const there = statIfThere(named.at(0) === 0x2f ? named : joinRaw(path, named));
  const here = statIfThere(gitDir);
  return !there || (there.ino === here?.ino && there.dev === here.dev);
}

const GITDIR = Buffer.from("gitdir: ");

function withoutNewlines(bytes: Buffer): Buffer {
  let end = bytes.length;
  while (end > 0 && (bytes[end - 1] === 0x0a || bytes[end - 1] === 0x0d)) end--;
  return bytes.subarray(0, end);
}

function linkedPath(gitDir: Buffer): Buffer | undefined {
  const gitdir = readIfThere(joinRaw(gitDir, "gitdir"));
  if (!gitdir || gitdir.length === 0) return undefined;
  const dotGit = withoutNewlines(gitdir);
  const top = dotGit.subarray(0, dotGit.lastIndexOf("/"));
  return top.at(0) === 0x2f ? top : resolveRaw(gitDir, top);
}

/** Resolves a relative `gitdir` (extensions.relativeWorktrees) against the administrative directory. */
function resolveRaw(base: Buffer, relative: Buffer): Buffer {
  const parts = base.toString("latin1").split("/");
  for (const part of relative.toString("latin1").split("/")) {
    if (part === "..") parts.pop();
    else if (part !== "." && part !== "") parts.push(part);
  }
  return Buffer.from(parts.join("/"), "latin1");
}

function mainPath(commonDir: string): Buffer {
  const configured = coreValue(commonDir, "worktree");
  if (configured?.startsWith("/")) return Buffer.from(configured);
  if (configured) return resolveRaw(Buffer.from(commonDir), Buffer.from(configured));
  return Buffer.from(commonDir.slice(0, commonDir.lastIndexOf("/")) || "/");
}

function branchOf(gitDir: Buffer): string | undefined {
  const head = readIfThere(joinRaw(gitDir, "HEAD"))?.toString().trimEnd();
  return head?.startsWith("ref: refs/heads/") ? head.slice("ref: refs/heads/".length) : undefined;
}

/**
 * Chooses the default worktree: the configured one, else the one on the default branch, else the main
 * worktree, else the one named `main` or `master` (in a bare layout it may be on another branch for a while).
 */
function chooseDefault(
  worktrees: readonly Worktree[],
  commonDir: string,
  configured: string | undefined,
): Worktree | undefined {
  const present = worktrees.filter((w) => w.state !== "gone");
  const remote = readIfThere(`${commonDir}/refs/remotes/origin/HEAD`)?.toString().trim();
  const remoteHead = remote?.replace(/^ref: refs\/remotes\/origin\//, "");
  return (
    present.find((w) => w.slug === configured || (configured && w.name === configured)) ??
    present.find((w) => w.branch === "main") ??
    present.find((w) => w.branch === "master") ??
    present.find((w) => remoteHead !== undefined && w.branch === remoteHead) ??
    present.find((w) => w.isMain) ??
    present.find((w) => w.name === "main" || w.name === "master")
  );
}

/** Returns the real path of a worktree, to be compared with a working directory; undefined if missing. */
export function realTop(worktree: Worktree): Buffer | undefined {
  try {
    return fs.realpathSync(toBuffer(worktree.path), { encoding: "buffer" });
  } catch {
    return undefined;
  }
}
