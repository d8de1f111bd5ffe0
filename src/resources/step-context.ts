import type { Ports } from "../host/net/port-allocator.ts";
import type { DefaultPointer } from "../host/nginx/default-pointer.ts";
import type { KeptConnections } from "../host/nginx/keepalive-slots.ts";
import type { Branching } from "../host/postgres/branch-progress.ts";
import type { Postgres } from "../host/postgres/client.ts";
import type { Definitions } from "../host/runit/definitions.ts";
import type { Slots } from "../host/runit/service-directories.ts";
import type { Layout } from "../model/layout.ts";
import type { Intentions } from "./state/branch-options.ts";
import type { Asked } from "./state/requested-worktrees.ts";
import type { Notes } from "./state/warnings.ts";

/** Everything outside that a step may touch. */
export interface Host {
  readonly layout: Layout;
  readonly postgres: Postgres;
  readonly ports: Ports;
  readonly slots: Slots;
  readonly kept: KeptConnections;
  readonly pointer: DefaultPointer;
  readonly definitions: Definitions;
  readonly branching: Branching;
  readonly intended: Intentions;
  readonly asked: Asked;
  readonly notes: Notes;
  /** Aborted when the daemon ends: what could go on for long is cut off. */
  readonly ending: AbortSignal;
  /** The path that a backend binds: at most 107 bytes, whatever the project's own path is. */
  socketPath(worktree: string, service: string): string;
}
