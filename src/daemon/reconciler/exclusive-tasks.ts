import type { Facts, WorktreeFacts } from "../../discovery/facts.ts";
import type { Slug } from "../../model/slug.ts";
import { UserError } from "../../model/user-error.ts";

/** Work on one worktree that must not meet a look at it. */
export type ExclusiveTask<Result> = (worktree: WorktreeFacts, facts: Facts) => Promise<Result>;

interface Waiting {
  run(worktree: WorktreeFacts, facts: Facts): Promise<void>;
}

/** What waits for the next look at a worktree. */
export class ExclusiveTasks {
  readonly #waiting = new Map<Slug, readonly Waiting[]>();

  /**
   * @returns to be called when that look is over: the errand's result, or throws what it threw
   * @throws UserError where it was not run, as the worktree could not be looked into
   */
  add<Result>(slug: Slug, errand: ExclusiveTask<Result>): () => Result {
    let outcome: (() => Result) | undefined;
    const waiting: Waiting = {
      async run(worktree, facts) {
        try {
          const result = await errand(worktree, facts);
          outcome = () => result;
        } catch (error) {
          outcome = () => {
            throw error;
          };
        }
      },
    };
    this.#waiting.set(slug, [...(this.#waiting.get(slug) ?? []), waiting]);
    return () => {
      if (outcome) return outcome();
      throw new UserError(
        `Nothing was done: the directory of ${slug} cannot be read now; it is away, or git is not done with it.`,
        `bring it back, or see: ikigai wt show ${slug}`,
      );
    };
  }

  /** Those that waited when the look began; another one waits for the next. */
  take(slug: Slug): readonly Waiting[] {
    const waiting = this.#waiting.get(slug) ?? [];
    this.#waiting.delete(slug);
    return waiting;
  }
}
