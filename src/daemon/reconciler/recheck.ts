import { AWAY_MS } from "../../discovery/absence-grace.ts";
import type { Slug } from "../../model/slug.ts";

const MAX_TRIES = 3;
/** Timers count from the start of the event loop's iteration and may fire some milliseconds early. */
const PATIENCE_MS = AWAY_MS + 20;

/**
 * Reconciles a worktree whose state is unknown again a moment later, up to three times: a missing
 * directory may be in the middle of a move. Reconciles requested by others do not count: several within
 * a few milliseconds would use up all tries before the grace period is over.
 */
export class Recheck {
  readonly #reconcile: (slug: Slug) => void;
  readonly #after: (then: () => void) => void;
  readonly #tries = new Map<Slug, number>();
  readonly #waiting = new Set<Slug>();

  constructor(
    look: (slug: Slug) => void,
    after: (then: () => void) => void = (then) => setTimeout(then, PATIENCE_MS),
  ) {
    this.#reconcile = look;
    this.#after = after;
  }

  /**
   * Schedules a recheck of each worktree in `held`, and forgets the tries of the others.
   *
   * @param only the one worktree that was reconciled; all if undefined
   */
  schedule(held: ReadonlySet<Slug>, only?: Slug): void {
    for (const slug of only === undefined ? [...this.#tries.keys()] : [only]) {
      if (!held.has(slug)) this.#tries.delete(slug);
    }
    for (const slug of held) if (!this.#waiting.has(slug)) this.#wait(slug);
  }

  #wait(slug: Slug): void {
    const tries = this.#tries.get(slug) ?? 0;
    if (tries >= MAX_TRIES) return;
    this.#waiting.add(slug);
    this.#after(() => {
      this.#waiting.delete(slug);
      this.#tries.set(slug, tries + 1);
      this.#reconcile(slug);
    });
  }
}
