import type { Step } from "./step.ts";

/**
 * The state of a service. `crashing`: running or starting after a failure, for less than a minute.
 * `crashed`: failed; waits for its next try, or gave up. `static`: no backend. `stopped`: stopped by hand.
 * `held`: waits for approval.
 */
export type ServiceState =
  | "running"
  | "starting"
  | "idle"
  | "stopped"
  | "crashing"
  | "crashed"
  | "held"
  | "static";

export interface ServiceReport {
  readonly name: string;
  readonly slug: string;
  readonly state: ServiceState;
  readonly start: "on-demand" | "always" | "manual";
  /** Null without HTTP. */
  readonly url: string | null;
  readonly pid?: number;
  /** Resident memory in bytes. */
  readonly memory?: number;
  /** When it was last used, as ISO 8601. */
  readonly lastUse?: string;
  readonly why?: string;
  /** The number of consecutive failures; absent if none. */
  readonly failures?: number;
  /** What would be started next is not approved, even if the service is running now. */
  readonly held?: true;
  /** The last lines of its log, if it keeps failing. */
  readonly log?: readonly string[];
}

/** The state of a worktree; `problem` also if one of its services fails. */
export type WorktreeState = "ready" | "provisioning" | "branching" | "problem" | "unknown";

/** One worktree, as in `ikigai wt list --json`. */
export interface WorktreeReport {
  readonly name: string;
  readonly slug: string;
  readonly branch: string | null;
  readonly path: string;
  readonly default: boolean;
  readonly main: boolean;
  readonly locked: string | null;
  readonly state: WorktreeState;
  readonly progress?: number;
  readonly schema: string;
  readonly url: string;
  readonly services: readonly ServiceReport[];
  readonly problems: readonly string[];
  /** Services that the shared configuration names but this worktree does not have. */
  readonly warnings: readonly string[];
}

export interface PlanReport {
  readonly steps: readonly Step[];
  readonly problems: readonly string[];
}

/** Retained data of a removed worktree, as in `ikigai wt restore --list --json`. */
export interface RetiredReport {
  /** The worktree's slug. */
  readonly name: string;
  readonly schema: string;
  /** When it was retired, as ISO 8601. */
  readonly since: string;
  /** Bytes. */
  readonly size: number;
  /** The former path of the worktree. */
  readonly path: string | null;
  /** When it expires, as ISO 8601. */
  readonly goes: string;
  /** Whether it expires within a day. */
  readonly soon: boolean;
  /** Why it has not been dropped although it has expired. */
  readonly held: string | null;
}
