import type { Facts, WorktreeFacts } from "../facts/facts.ts";
import type { Slug } from "../model/slug.ts";

/** Work on one worktree that must not meet a look at it. */
export type Errand = (worktree: WorktreeFacts, facts: Facts) => Promise<void>;

/** What waits for the next look at a worktree. */
export class Errands {
  readonly #waiting = new Map<Slug, readonly Errand[]>();

  /** @returns to be called when that look is over: throws what the errand threw */
  add(slug: Slug, errand: Errand): () => void {
    let failure: { readonly error: unknown } | undefined;
    const run: Errand = async (worktree, facts) => {
      await errand(worktree, facts).catch((error: unknown) => {
        failure = { error };
      });
    };
    this.#waiting.set(slug, [...(this.#waiting.get(slug) ?? []), run]);
    return () => {
      if (failure) throw failure.error;
    };
  }

  /** Those that waited when the look began; another one waits for the next. */
  take(slug: Slug): readonly Errand[] {
    const waiting = this.#waiting.get(slug) ?? [];
    this.#waiting.delete(slug);
    return waiting;
  }
}
