import type { Facts, WorktreeFacts } from "../../discovery/facts.ts";
import type { Slug } from "../../model/slug.ts";
import { UserError } from "../../model/user-error.ts";

/** Work on one worktree that must not run concurrently with its reconcile. */
export type ExclusiveTask<Result> = (worktree: WorktreeFacts, facts: Facts) => Promise<Result>;

interface Waiting {
  run(worktree: WorktreeFacts, facts: Facts): Promise<void>;
}

/** The tasks that wait for the next reconcile of their worktree. */
export class ExclusiveTasks {
  readonly #waiting = new Map<Slug, readonly Waiting[]>();

  /**
   * Adds a task to the next reconcile of a worktree.
   *
   * @returns a function to call after that reconcile; it returns the task's result or throws its error, or
   *   a UserError if the task was not run because the worktree could not be read
   */
  add<Result>(slug: Slug, task: ExclusiveTask<Result>): () => Result {
    let outcome: (() => Result) | undefined;
    const waiting: Waiting = {
      async run(worktree, facts) {
        try {
          const result = await task(worktree, facts);
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
        `Nothing was done: the directory of ${slug} cannot be read; it is missing, or git is still writing it.`,
        `restore the directory, or see: ikigai wt show ${slug}`,
      );
    };
  }

  /** Removes and returns the waiting tasks, when a reconcile starts; later ones wait for the next. */
  take(slug: Slug): readonly Waiting[] {
    const waiting = this.#waiting.get(slug) ?? [];
    this.#waiting.delete(slug);
    return waiting;
  }
}
