import type { Slug } from "../../model/slug.ts";

/** What a new schema starts with. */
export type BranchMode = "data" | "structure" | "empty";

/** The requested mode and base of a worktree's next schema. */
export interface RequestedBranch {
  readonly mode?: BranchMode;
  readonly base?: Slug;
}

const EXPIRES_MS = 60_000;

/**
 * Holds the requested branches by the path of the worktree. A request made before the worktree exists
 * expires after a minute; once used it is kept until the schema is complete, so that a retry starts the
 * same way.
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
