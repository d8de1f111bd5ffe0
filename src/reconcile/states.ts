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
export function serviceState(observed: ServiceObservation): ServiceState {
  if (!observed.hasBackend) return "static";
  if (observed.held) return "held";
  if (observed.starting) return observed.crashed ? "crashing" : "starting";
  if (observed.supervised === "run") {
    // After a crash it counts as running only after a minute, as in `scripts/service/finish`.
    return observed.crashed && observed.now - observed.since < PROBATION ? "crashing" : "running";
  }
  if (observed.crashed) return "crashed";
  if (observed.placed && !observed.rested) return observed.wants === "up" ? "starting" : "stopped";
  const startsOnRequest =
    observed.start === "on-demand" || (observed.start === "always" && !observed.placed);
  return startsOnRequest ? "idle" : "stopped";
}

const PROBATION = 60;

/** Reduces what was observed of a worktree to one state. */
export function worktreeState(observed: {
  readonly problems: readonly string[];
  /** One of its services has crashed and has not been ready since. */
  readonly failing: boolean;
  readonly branching: boolean;
  readonly busy: boolean;
  readonly provisioned: boolean;
  readonly unknown: boolean;
}): WorktreeState {
  if (observed.unknown) return "unknown";
  if (observed.branching) return "branching";
  if (observed.problems.length > 0) return "problem";
  if (observed.busy || !observed.provisioned) return "provisioning";
  if (observed.failing) return "problem";
  return "ready";
}

/** Sorts the default worktree first, the others by name. */
export function defaultFirst(reports: readonly WorktreeReport[]): WorktreeReport[] {
  return [...reports].sort(
    (a, b) => Number(b.default) - Number(a.default) || a.slug.localeCompare(b.slug),
  );
}
