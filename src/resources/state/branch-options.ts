import type { Slug } from "../../model/slug.ts";

/** What a new schema begins with. */
export type BranchMode = "data" | "structure" | "empty";

/** How a worktree's next schema is to begin, where somebody said so. */
export interface RequestedBranch {
  readonly mode?: BranchMode;
  readonly base?: Slug;
}

const EXPIRES_MS = 60_000;

/**
 * Intentions by the worktree's path. Said before the worktree is there, one is
 * forgotten when none appears in a minute; from its first use on it is kept until
 * the schema stands, so that a second try begins in the same way.
 */
export class PendingBranchOptions {
  readonly #known = new Map<string, { readonly intention: RequestedBranch; until: number }>();

  set(path: string, intention: RequestedBranch): void {
    this.#known.set(path, { intention, until: performance.now() + EXPIRES_MS });
  }

  consume(path: string): RequestedBranch {
    const known = this.#known.get(path);
    if (!known) return {};
    if (known.until < performance.now()) {
      this.#known.delete(path);
      return {};
    }
    known.until = Number.POSITIVE_INFINITY;
    return known.intention;
  }

  delete(path: string): void {
    this.#known.delete(path);
  }
}
