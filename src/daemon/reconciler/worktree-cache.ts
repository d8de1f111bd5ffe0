import type { Facts, WorktreeFacts } from "../../discovery/facts.ts";
import type { Slug } from "../../model/slug.ts";

/** A file's time of change may lie this far behind the clock (the kernel's coarse one). */
const CLOCK_TICK_MS = 12;
/** More than a clock is out of step by itself. */
const CLOCK_SET_MS = 1_000;

/** The worktrees as they were seen last. */
export class WorktreeCache {
  readonly #worktrees = new Map<Slug, WorktreeFacts>();
  readonly #lookedAt = new Map<Slug, { readonly clock: number; readonly monotonic: number }>();
  /** When we ourselves changed the tops of worktrees. */
  readonly #touched = new Map<Slug, number>();
  #defaultSlug: Slug | undefined;

  get all(): readonly WorktreeFacts[] {
    return [...this.#worktrees.values()];
  }

  get slugs(): readonly Slug[] {
    return [...this.#worktrees.keys()];
  }

  get defaultSlug(): Slug | undefined {
    return this.#defaultSlug;
  }

  has(slug: Slug): boolean {
    return this.#worktrees.has(slug);
  }

  /** `.default` is the default worktree's other name. */
  find(slug: Slug): WorktreeFacts | undefined {
    return this.#worktrees.get(slug === ".default" ? (this.#defaultSlug ?? "") : slug);
  }

  /** The slug of one by its administrative directory; the worktree itself may be gone. */
  slugAt(gitDir: Uint8Array): Slug | undefined {
    return this.all.find((w) => Buffer.compare(w.gitDir, gitDir) === 0)?.slug;
  }

  /** A look at a worktree begins. */
  begin(slug: Slug): void {
    this.#lookedAt.set(slug, { clock: Date.now(), monotonic: performance.now() });
  }

  /** The look that is on has changed a worktree's top: its time of change is ours. */
  recordOwnChange(slug: Slug, changed: number): void {
    this.#touched.set(slug, changed);
  }

  /** Whether a look at this worktree began after a time of `performance.now()`. */
  reconciledAfter(slug: Slug, heard: number): boolean {
    return (this.#lookedAt.get(slug)?.monotonic ?? Number.NEGATIVE_INFINITY) > heard;
  }

  /**
   * Whether a look at this worktree began after a file's time of change, in milliseconds since the
   * epoch. Unknown, and so not, where the clock was set meanwhile.
   */
  reconciledSince(slug: Slug, time: number): boolean {
    const looked = this.#lookedAt.get(slug);
    if (!looked) return false;
    if (this.#touched.get(slug) === time) return true;
    const elapsed = performance.now() - looked.monotonic;
    if (Math.abs(Date.now() - looked.clock - elapsed) > CLOCK_SET_MS) return false;
    return looked.clock > time + CLOCK_TICK_MS;
  }

  /**
   * Takes in what a look has seen; with `only`, of one worktree. Answers which ones are gone, also
   * where another has the name now.
   */
  remember(facts: Facts, only?: Slug): Slug[] {
    this.#defaultSlug = facts.defaultSlug;
    const there = new Set(facts.worktrees.map((w) => w.slug));
    const gone = (only === undefined ? this.slugs : [only]).filter(
      (slug) => !there.has(slug) && !facts.held.has(slug),
    );
    for (const slug of gone) {
      this.#worktrees.delete(slug);
      this.#lookedAt.delete(slug);
      this.#touched.delete(slug);
    }
    const replaced = facts.worktrees.filter(({ slug, identity }) => {
      const known = this.#worktrees.get(slug);
      return known && known.identity !== identity;
    });
    for (const worktree of facts.worktrees) this.#worktrees.set(worktree.slug, worktree);
    for (const worktree of facts.unknown) {
      const known = this.#worktrees.get(worktree.slug);
      if (known) this.#worktrees.set(worktree.slug, { ...known, ...worktree });
    }
    return [...gone, ...replaced.map(({ slug }) => slug)];
  }
}
