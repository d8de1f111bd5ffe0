import type { ServiceState, WorktreeReport, WorktreeState } from "../model/reports.ts";
import type { StartPolicy } from "../model/worktree.ts";

/** What is seen of a service from outside. */
export interface ServiceObservation {
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
export function serviceState(sight: ServiceObservation): ServiceState {
  if (!sight.hasBackend) return "static";
  if (sight.held) return "held";
  if (sight.starting) return sight.crashed ? "crashing" : "starting";
  if (sight.supervised === "run") {
    // It has been here before: what runs for a minute begins anew, as for `scripts/service/finish`.
    return sight.crashed && sight.now - sight.since < PROBATION ? "crashing" : "running";
  }
  if (sight.crashed) return "crashed";
  if (sight.placed && !sight.rested) return sight.wants === "up" ? "starting" : "stopped";
  const activator = sight.start === "on-demand" || (sight.start === "always" && !sight.placed);
  return activator ? "idle" : "stopped";
}

const PROBATION = 60;

/** The one word for a worktree. */
export function worktreeState(sight: {
  readonly problems: readonly string[];
  /** One of its services has failed and not been well since. */
  readonly failing: boolean;
  readonly branching: boolean;
  readonly busy: boolean;
  readonly provisioned: boolean;
  readonly unknown: boolean;
}): WorktreeState {
  if (sight.unknown) return "unknown";
  if (sight.branching) return "branching";
  if (sight.problems.length > 0) return "problem";
  if (sight.busy || !sight.provisioned) return "provisioning";
  if (sight.failing) return "problem";
  return "ready";
}

/** The default worktree first, then by name. */
export function defaultFirst(reports: readonly WorktreeReport[]): WorktreeReport[] {
  return [...reports].sort(
    (a, b) => Number(b.default) - Number(a.default) || a.slug.localeCompare(b.slug),
  );
}
