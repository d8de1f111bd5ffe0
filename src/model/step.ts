import type { Slug } from "./slug.ts";

export type Kind = "schema" | "logs" | "environment" | "route" | "service";

/** How what is wanted and what is there differ; `why` is for people. */
export interface Difference {
  readonly action: "create" | "update" | "replace" | "restore" | "retire" | "remove";
  readonly why: string;
}

/** One step of a plan. */
export interface Step extends Difference {
  readonly kind: Kind;
  /** What within its kind: `<worktree>` or `<worktree>.<service>`; `.name` for the project's own. */
  readonly key: string;
}

/** The worktree of a key; undefined for what belongs to the project as a whole. */
export function worktreeOf(key: string): Slug | undefined {
  return key.startsWith(".") ? undefined : key.split(".", 1)[0];
}
