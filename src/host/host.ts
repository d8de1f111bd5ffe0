import type { Layout } from "../model/layout.ts";
import type { Slug } from "../model/slug.ts";
import type { Branching } from "./branching.ts";
import type { Ports } from "./ports.ts";
import type { Postgres } from "./postgres/client.ts";
import type { Definitions } from "./runit/definitions.ts";
import type { Slots } from "./runit/slots.ts";

/** What a new schema begins with. */
export type BranchMode = "data" | "structure" | "empty";

/** Everything outside that a step may touch. */
export interface Host {
  readonly layout: Layout;
  readonly postgres: Postgres;
  readonly ports: Ports;
  readonly slots: Slots;
  readonly definitions: Definitions;
  readonly branching: Branching;
  /** How a worktree's next schema is to begin, where somebody said so; by git's name for it. */
  readonly intended: Map<string, { readonly mode?: BranchMode; readonly base?: Slug }>;
  /** What a person should know of how a worktree's schema began. */
  readonly notes: Map<Slug, string>;
  /** The path that a backend binds: at most 107 bytes, whatever the project's own path is. */
  socketPath(worktree: string, service: string): string;
}
