import { AWAY_MS } from "../../discovery/absence-grace.ts";
import type { Slug } from "../../model/slug.ts";

const MOST = 3;
/** A timer counts from its loop's last turn, and would be some milliseconds early. */
const PATIENCE_MS = AWAY_MS + 20;

/**
 * Has a worktree that cannot be judged looked at again a moment later, a few times: a
 * directory that is away may be on its way. Looks that others ask for meanwhile do not
 * count: several within a few milliseconds would use all of them up before patience is over.
 */
export class Recheck {
  readonly #look: (slug: Slug) => void;
  readonly #after: (then: () => void) => void;
  readonly #looks = new Map<Slug, number>();
  readonly #waiting = new Set<Slug>();

  constructor(
    look: (slug: Slug) => void,
    after: (then: () => void) => void = (then) => setTimeout(then, PATIENCE_MS),
  ) {
    this.#look = look;
    this.#after = after;
  }

  /** Told of each look's outcome; with `only` the look was at that one alone. */
  schedule(held: ReadonlySet<Slug>, only?: Slug): void {
    for (const slug of only === undefined ? [...this.#looks.keys()] : [only]) {
      if (!held.has(slug)) this.#looks.delete(slug);
    }
    for (const slug of held) if (!this.#waiting.has(slug)) this.#wait(slug);
  }

  #wait(slug: Slug): void {
    const looks = this.#looks.get(slug) ?? 0;
    if (looks >= MOST) return;
    this.#waiting.add(slug);
    this.#after(() => {
      this.#waiting.delete(slug);
      this.#looks.set(slug, looks + 1);
      this.#look(slug);
    });
  }
}
