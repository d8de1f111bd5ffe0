import type { ServiceState, WorktreeReport, WorktreeState } from "../model/reports.ts";
import type { StartPolicy } from "../model/worktree.ts";

/** What was observed of a service. */
export interface ServiceObservation {
  readonly hasBackend: boolean;
  readonly placed: boolean;
  readonly supervised: "down" | "run" | "finish" | undefined;
  /** When that state began, in seconds of Unix time. */
  readonly since: number;
  readonly wants: "up" | "down" | undefined;
  /** It was stopped by ikigai, not by hand. */
  readonly rested: boolean;
  readonly start: StartPolicy;
  readonly starting: boolean;
  /** It has crashed and has not been ready since. */
  readonly crashed: boolean;
  readonly held: boolean;
  /** Seconds of Unix time. */
  readonly now: number;
}

/** Reduces what was observed of a service to one state. */
export function serviceState(sight: ServiceObservation): ServiceState {
  if (!sight.hasBackend) return "static";
  if (sight.held) return "held";
  if (sight.starting) return sight.crashed ? "crashing" : "starting";
  if (sight.supervised === "run") {
    // After a crash it counts as running only after a minute, as in `scripts/service/finish`.
    return sight.crashed && sight.now - sight.since < PROBATION ? "crashing" : "running";
  }
  if (sight.crashed) return "crashed";
  if (sight.placed && !sight.rested) return sight.wants === "up" ? "starting" : "stopped";
  const activator = sight.start === "on-demand" || (sight.start === "always" && !sight.placed);
  return activator ? "idle" : "stopped";
}

const PROBATION = 60;

/** Reduces what was observed of a worktree to one state. */
export function worktreeState(sight: {
  readonly problems: readonly string[];
  /** One of its services has crashed and has not been ready since. */
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

/** Sorts the default worktree first, the others by name. */
export function defaultFirst(reports: readonly WorktreeReport[]): WorktreeReport[] {
  return [...reports].sort(
    (a, b) => Number(b.default) - Number(a.default) || a.slug.localeCompare(b.slug),
  );
}
