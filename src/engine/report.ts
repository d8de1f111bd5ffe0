import type { ServiceState, WorktreeReport, WorktreeState } from "../model/report.ts";
import type { StartPolicy } from "../model/worktree.ts";

/** What is seen of a service from outside. */
export interface ServiceSight {
  readonly hasBackend: boolean;
  readonly placed: boolean;
  readonly supervised: "down" | "run" | "finish" | undefined;
  /** When that began, in seconds of Unix time. */
  readonly since: number;
  readonly wants: "up" | "down" | undefined;
  /** It was sent to rest, not stopped by hand. */
  readonly rested: boolean;
  readonly start: StartPolicy;
  readonly starting: boolean;
  /** It has ended by itself and not been well since. */
  readonly crashed: boolean;
  readonly held: boolean;
  /** Seconds of Unix time. */
  readonly now: number;
}

/** The one word for a service. */
export function serviceState(sight: ServiceSight): ServiceState {
  if (!sight.hasBackend) return "static";
  if (sight.held) return "held";
  if (sight.starting) return "starting";
  if (sight.supervised === "run") {
    // It has been here before; what ends at once did not run.
    return sight.crashed && sight.now - sight.since < PROBATION ? "starting" : "running";
  }
  if (sight.crashed) return "crashed";
  if (sight.placed && !sight.rested) return sight.wants === "up" ? "starting" : "stopped";
  const wakes = sight.start === "on-demand" || (sight.start === "always" && !sight.placed);
  return wakes ? "idle" : "stopped";
}

const PROBATION = 2;

/** The one word for a worktree. */
export function worktreeState(sight: {
  readonly problems: readonly string[];
  readonly branching: boolean;
  readonly busy: boolean;
  readonly provisioned: boolean;
  readonly unknown: boolean;
}): WorktreeState {
  if (sight.unknown) return "unknown";
  if (sight.branching) return "branching";
  if (sight.problems.length > 0) return "problem";
  if (sight.busy || !sight.provisioned) return "provisioning";
  return "ready";
}

/** The default worktree first, then by name. */
export function inOrder(reports: readonly WorktreeReport[]): WorktreeReport[] {
  return [...reports].sort(
    (a, b) => Number(b.default) - Number(a.default) || a.slug.localeCompare(b.slug),
  );
}
