import type { Slug } from "../model/slug.ts";

const MOST = 3;

/** Counts how often a worktree that cannot be judged was looked at again. */
export class Again {
  readonly #looks = new Map<Slug, number>();

  /** Those that are to be looked at once more; with `only` the look was at that one alone. */
  due(held: ReadonlySet<Slug>, only?: Slug): Slug[] {
    for (const slug of only === undefined ? [...this.#looks.keys()] : [only]) {
      if (!held.has(slug)) this.#looks.delete(slug);
    }
    const due = [...held].filter((slug) => (this.#looks.get(slug) ?? 0) < MOST);
    for (const slug of due) this.#looks.set(slug, (this.#looks.get(slug) ?? 0) + 1);
    return due;
  }
}
