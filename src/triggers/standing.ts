import { explain } from "../engine/explain.ts";
import type { Failure } from "../engine/reconcile.ts";
import type { Slug } from "../model/slug.ts";

const FIRST_RETRY_MS = 400;
const LAST_RETRY_MS = 30_000;

/** How the worktrees stand after the last look at each: what failed, and when to try again. */
export class Standing {
  /** Of those where something failed. */
  readonly #problems = new Map<Slug, readonly string[]>();
  readonly #provisioned = new Set<Slug>();
  /** Worktrees that are gone and of which something is still there. */
  readonly #leftovers = new Set<Slug>();
  #retryAt = Number.NEGATIVE_INFINITY;
  #retryPause = FIRST_RETRY_MS;

  isProvisioned(slug: Slug): boolean {
    return this.#provisioned.has(slug);
  }

  problemsOf(slug: Slug): readonly string[] {
    return this.#problems.get(slug) ?? [];
  }

  hasLeftovers(): boolean {
    return this.#leftovers.size > 0;
  }

  /** Takes in what a look at a worktree that is there came to. */
  record(slug: Slug, failures: readonly Failure[]): void {
    this.#leftovers.delete(slug);
    if (failures.length === 0) {
      this.#problems.delete(slug);
      this.#provisioned.add(slug);
      return;
    }
    this.#problems.set(slug, [...new Set(failures.map(({ error }) => explain(error)))]);
    this.#provisioned.delete(slug);
  }

  /** The same for one that is gone. */
  recordGone(slug: Slug, failures: readonly Failure[]): void {
    if (failures.length > 0) this.#leftovers.add(slug);
    else this.#leftovers.delete(slug);
  }

  forget(slug: Slug): void {
    this.#problems.delete(slug);
    this.#provisioned.delete(slug);
  }

  /** True when something failed and it is time to try again: soon at first, then less often. */
  wantsRetry(): boolean {
    if (this.#problems.size === 0 && this.#leftovers.size === 0) {
      this.#retryPause = FIRST_RETRY_MS;
      return false;
    }
    if (performance.now() < this.#retryAt) return false;
    this.#retryPause = Math.min(this.#retryPause * 2, LAST_RETRY_MS);
    this.#retryAt = performance.now() + this.#retryPause;
    return true;
  }
}
