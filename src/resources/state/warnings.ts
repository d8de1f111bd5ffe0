import type { Slug } from "../../model/slug.ts";

/** What a note is about; a worktree has one of each at most. */
export type Topic = "schema" | "extensions" | "setup";

/** What a person should know of a worktree, though it is ready. */
export class Warnings {
  readonly #known = new Map<Slug, Map<Topic, string>>();

  /** Without a text there is nothing to know. */
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
