import type { ServiceState, WorktreeReport, WorktreeState } from "../model/report.ts";

/** What is seen of a service from outside. */
export interface ServiceSight {
  readonly hasBackend: boolean;
  readonly placed: boolean;
  readonly supervised: "down" | "run" | "finish" | undefined;
  readonly wants: "up" | "down" | undefined;
  readonly starting: boolean;
  readonly crashes: number;
  readonly held: boolean;
}

/** The one word for a service. */
export function serviceState(sight: ServiceSight): ServiceState {
  if (!sight.hasBackend) return "static";
  if (sight.held) return "held";
  if (sight.starting) return "starting";
  if (sight.supervised === "run" && sight.crashes === 0) return "running";
  if (sight.crashes > 0) return sight.supervised === "run" ? "running" : "crashed";
  if (!sight.placed) return "idle";
  return sight.wants === "up" ? "starting" : "stopped";
}

/** The one word for a worktree. */
export function worktreeState(sight: {
  readonly problems: readonly string[];
  readonly busy: boolean;
  readonly provisioned: boolean;
  readonly unknown: boolean;
}): WorktreeState {
  if (sight.unknown) return "unknown";
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
