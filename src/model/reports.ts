import type { Step } from "./step.ts";

/**
 * What a service does now. `crashing` runs, or is started, after it has failed and before it has run for a
 * minute; `crashed` waits for its next try, or for none. `static` has no backend; `stopped` by hand; `held`
 * waits for an approval.
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
  /** Null where it has no HTTP. */
  readonly url: string | null;
  readonly pid?: number;
  /** Resident memory in bytes. */
  readonly memory?: number;
  /** When it last answered, as ISO 8601. */
  readonly lastUse?: string;
  readonly why?: string;
  /** How often it has failed in a row, where it has. */
  readonly failures?: number;
  /** What would be started next has not been approved, whatever runs now. */
  readonly held?: true;
  /** The last lines of its log, where it keeps failing. */
  readonly log?: readonly string[];
}

/** `ready`, or what keeps it from being so: `problem` too where one of its services fails. */
export type WorktreeState = "ready" | "provisioning" | "branching" | "problem" | "unknown";

/** One worktree as `ikigai wt list --json` tells it. */
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
  /** What the settings name and this worktree does not have, where they are all worktrees' settings. */
  readonly warnings: readonly string[];
}

export interface PlanReport {
  readonly steps: readonly Step[];
  readonly problems: readonly string[];
}

/** Data of a removed worktree, as `ikigai wt restore --list --json` tells it. */
export interface RetiredReport {
  /** The worktree's slug. */
  readonly name: string;
  readonly schema: string;
  /** When it was put aside, as ISO 8601. */
  readonly since: string;
  /** Bytes. */
  readonly size: number;
  /** Where the worktree was. */
  readonly path: string | null;
  /** When it goes for good, as ISO 8601. */
  readonly goes: string;
  /** Within a day. */
  readonly soon: boolean;
  /** Why it could not go yet. */
  readonly held: string | null;
}
