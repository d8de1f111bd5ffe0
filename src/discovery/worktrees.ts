import {
  joinRaw,
  listIfThere,
  lstatIfThere,
  sha256,
  statIfThere,
  toBuffer,
} from "../host/fs/files.ts";
import { assignSlugs, isSlug, type Slug } from "../model/slug.ts";
import type { Worktree } from "../model/worktree.ts";
import { chooseDefault } from "./default-worktree.ts";
import { isCoreTrue } from "./git-config.ts";
import { type IsMissing, readWorktree } from "./worktree-record.ts";

/** The name of the main worktree of an ordinary clone, for which git has none. */
const MAIN = "main";

/** The repository is missing or was replaced, so nothing is known about its worktrees. */
export class RepositoryAway extends Error {
  override readonly name = "RepositoryAway";
}

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
