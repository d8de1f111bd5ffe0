import type { Facts, WorktreeFacts } from "../../discovery/facts.ts";
import type { Slug } from "../../model/slug.ts";

/** An mtime may lag this far behind the clock, as the kernel takes it from its coarse clock. */
const CLOCK_TICK_MS = 12;
/** A larger deviation means that the clock was set. */
const CLOCK_SET_MS = 1_000;

/** Holds the worktrees as read by the last reconciles. */
export class WorktreeCache {
  readonly #worktrees = new Map<Slug, WorktreeFacts>();
  readonly #lookedAt = new Map<Slug, { readonly clock: number; readonly monotonic: number }>();
  /** mtimes of worktrees' top directories that ikigai itself caused. */
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

  /** Finds a worktree by its slug; `.default` means the default worktree. */
  find(slug: Slug): WorktreeFacts | undefined {
    return this.#worktrees.get(slug === ".default" ? (this.#defaultSlug ?? "") : slug);
  }

  /** Finds the slug by the administrative directory; the worktree itself may have been removed. */
  slugAt(gitDir: Uint8Array): Slug | undefined {
    return this.all.find((w) => Buffer.compare(w.gitDir, gitDir) === 0)?.slug;
  }

  /** Records that a reconcile of a worktree starts now. */
  begin(slug: Slug): void {
    this.#lookedAt.set(slug, { clock: Date.now(), monotonic: performance.now() });
  }

  /** Records an mtime that ikigai caused, so that it does not trigger another reconcile. */
  recordOwnChange(slug: Slug, changed: number): void {
    this.#touched.set(slug, changed);
  }

  /** Whether a reconcile of this worktree started after a time of `performance.now()`. */
  reconciledAfter(slug: Slug, heard: number): boolean {
    return (this.#lookedAt.get(slug)?.monotonic ?? Number.NEGATIVE_INFINITY) > heard;
  }

  /**
   * Whether a reconcile of this worktree started after an mtime, in milliseconds since the epoch. False if
   * the clock was set meanwhile, as the times cannot be compared then.
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
   * Stores the facts that a reconcile has read. Returns the slugs of removed worktrees, including those
   * whose name another worktree has now.
   *
   * @param only the one worktree that was read; all if undefined
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
