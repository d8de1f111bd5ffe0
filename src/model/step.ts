import type { Slug } from "./slug.ts";

export type Kind = "schema" | "logs" | "environment" | "route" | "service";

/** The action that resolves a difference between wanted and observed; `why` is shown to users. */
export interface Difference {
  readonly action: "create" | "update" | "replace" | "restore" | "retire" | "remove";
  readonly why: string;
}

/** One step of a plan. */
export interface Step extends Difference {
  readonly kind: Kind;
  /**
   * The key within the kind: `<worktree>` or `<worktree>.<service>`; `.name` if it belongs to the project.
   */
  readonly key: string;
}

/** Returns the worktree of a key; undefined if it belongs to the project as a whole. */
export function worktreeOf(key: string): Slug | undefined {
  return key.startsWith(".") ? undefined : key.split(".", 1)[0];
}
