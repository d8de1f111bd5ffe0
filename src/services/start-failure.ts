import type { WorktreeFacts } from "../discovery/facts.ts";
import { lastLines } from "../host/fs/tail.ts";
import { howItEnded, lastCrash } from "../host/runit/failures.ts";
import { readStatus } from "../host/runit/supervise.ts";
import { serviceConfiguration } from "../model/configuration/configuration.ts";
import type { ServiceFailure } from "../model/failure-page.ts";
import type { Layout } from "../model/layout.ts";
import type { Service } from "../model/worktree.ts";
import type { StepContext } from "../resources/step-context.ts";

/** A service that does not run, and why. */
export interface NotRunning extends Omit<ServiceFailure, "title"> {
  readonly awake: false;
}

/** The reason with the last lines of the service's log; `next` is to read more of that unless given. */
export function notRunning(
  { layout }: StepContext,
  worktree: WorktreeFacts,
  service: Service,
  why: string,
  next = `ikigai logs ${worktree.slug}/${service.slug}`,
): NotRunning {
  const log = endOfLog(layout, `${worktree.slug}.${service.slug}`, LOG_LINES);
  return { awake: false, why, next, log };
}

/** The last lines of a service's log, without colours. */
export function endOfLog({ logs }: Layout, key: string, count: number): string[] {
  return lastLines(`${logs}/${key}/current`, count).map((line) => line.replace(COLOURS, ""));
}

const LOG_LINES = 20;
/** What terminals take for colours and the like (ECMA-48, CSI sequences). */
const COLOURS = /\u001b\[[0-?]*[ -/]*[@-~]/g;

/** Its patience is over, and it is not ready. */
export function timedOut(host: StepContext, worktree: WorktreeFacts, service: Service): NotRunning {
  const { ready, patience } = serviceConfiguration(worktree.settings, service.name);
  const what = ready === undefined ? "does not listen" : `does not answer ${ready} well`;
  const hint =
    ready === undefined
      ? `; if it answers no HTTP at all, set services.${service.name}.http to false`
      : "";
  const why = `it ${what} ${Math.round(patience / 1000)} s after it was asked for${hint}`;
  return notRunning(host, worktree, service, why);
}

/** Why a service is not even tried; `forced` is somebody's command. */
export function startRefusal(
  host: StepContext,
  worktree: WorktreeFacts,
  service: Service,
  forced: boolean,
): NotRunning | undefined {
  const { serviceDirectories, definitions } = host;
  const key = `${worktree.slug}.${service.slug}`;
  const held = worktree.trust().held.get(service.slug);
  if (held !== undefined) {
    const why = `${held} has not been approved`;
    // What an earlier copy has written does not tell why.
    return { awake: false, why, next: `ikigai trust ${worktree.slug}`, log: [] };
  }
  if (forced) return undefined;
  const up = `ikigai up ${worktree.slug}/${service.slug}`;
  const status = serviceDirectories.has(key) ? readStatus(serviceDirectories.path(key)) : undefined;
  const crash = lastCrash(definitions, key);
  if (
    status?.wants === "down" &&
    status.state === "down" &&
    !crash &&
    !serviceDirectories.isStopped(key)
  ) {
    return notRunning(host, worktree, service, "it was stopped by hand", up);
  }
  const { start } = serviceConfiguration(worktree.settings, service.name);
  if (start === "manual") {
    return notRunning(host, worktree, service, "it is started by command only", up);
  }
  // Who reloads a page again and again does not start a failing program as often.
  if (crash && Math.abs(Date.now() - crash.at) < RETRY_MS && status?.state !== "run") {
    return notRunning(host, worktree, service, howItEnded(crash));
  }
  return undefined;
}

/** A program that fails is not tried more often than this by requests. */
const RETRY_MS = 3_000;
