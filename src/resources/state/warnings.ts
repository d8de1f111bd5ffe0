import type { Slug } from "../../model/slug.ts";

/** The subject of a warning; a worktree has at most one per topic. */
export type Topic = "schema" | "extensions" | "setup";

/** Holds warnings about worktrees that do not keep them from being ready. */
export class Warnings {
  readonly #known = new Map<Slug, Map<Topic, string>>();

  /** Sets the warning of a topic; undefined clears it. */
  set(worktree: Slug, topic: Topic, text: string | undefined): void {
    const topics = this.#known.get(worktree) ?? new Map<Topic, string>();
    this.#known.set(worktree, topics);
    if (text === undefined) topics.delete(topic);
    else topics.set(topic, text);
  }

  of(worktree: Slug): readonly string[] {
    return [...(this.#known.get(worktree)?.values() ?? [])];
  }

  delete(worktree: Slug): void {
    this.#known.delete(worktree);
  }
}
