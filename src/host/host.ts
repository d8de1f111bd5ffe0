import type { Layout } from "../model/layout.ts";
import type { Asked } from "./asked.ts";
import type { Branching } from "./branching.ts";
import type { DefaultPointer } from "./default-pointer.ts";
import type { Intentions } from "./intentions.ts";
import type { KeptConnections } from "./kept-connections.ts";
import type { Notes } from "./notes.ts";
import type { Ports } from "./ports.ts";
import type { Postgres } from "./postgres/client.ts";
import type { Definitions } from "./runit/definitions.ts";
import type { Slots } from "./runit/slots.ts";

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
