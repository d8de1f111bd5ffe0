import type { PortAllocator } from "../host/net/port-allocator.ts";
import type { DefaultPointer } from "../host/nginx/default-pointer.ts";
import type { KeptConnections } from "../host/nginx/keepalive-slots.ts";
import type { BranchProgress } from "../host/postgres/branch-progress.ts";
import type { Postgres } from "../host/postgres/client.ts";
import type { Definitions } from "../host/runit/definitions.ts";
import type { ServiceDirectories } from "../host/runit/service-directories.ts";
import type { Layout } from "../model/layout.ts";
import type { PendingBranchOptions } from "./state/branch-options.ts";
import type { RequestedWorktrees } from "./state/requested-worktrees.ts";
import type { Warnings } from "./state/warnings.ts";

/** Everything that a step may read or change. */
export interface StepContext {
  readonly layout: Layout;
  readonly postgres: Postgres;
  readonly ports: PortAllocator;
  readonly serviceDirectories: ServiceDirectories;
  readonly kept: KeptConnections;
  readonly pointer: DefaultPointer;
  readonly definitions: Definitions;
  readonly branchProgress: BranchProgress;
  readonly branchOptions: PendingBranchOptions;
  readonly requested: RequestedWorktrees;
  readonly warnings: Warnings;
  /** Aborted when the daemon ends, to cancel long-running work. */
  readonly ending: AbortSignal;
  /** Returns the path that a backend binds, at most 107 bytes long, however long the project's path is. */
  socketPath(worktree: string, service: string): string;
}
