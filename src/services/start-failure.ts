import type { WorktreeFacts } from "../discovery/facts.ts";
import { lastLines } from "../host/fs/tail.ts";
import { howItEnded, lastCrash } from "../host/runit/failures.ts";
import { readStatus } from "../host/runit/supervise.ts";
import { serviceConfiguration } from "../model/configuration/configuration.ts";
import type { ServiceFailure } from "../model/failure-page.ts";
import type { Layout } from "../model/layout.ts";
import type { Service } from "../model/worktree.ts";
import type { StepContext } from "../resources/step-context.ts";

/** Why a service is not running. */
export interface NotRunning extends Omit<ServiceFailure, "title"> {
  readonly awake: false;
}

/**
 * Adds the last lines of the service's log to a reason; `next` defaults to the command that shows more of it.
 */
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

/** Reads the last lines of a service's log, without colours. */
export function endOfLog({ logs }: Layout, key: string, count: number): string[] {
  return lastLines(`${logs}/${key}/current`, count).map((line) => line.replace(COLOURS, ""));
}

const LOG_LINES = 20;
/** Colours and other CSI sequences (ECMA-48). */
const COLOURS = /\u001b\[[0-?]*[ -/]*[@-~]/g;

/** Describes a service that was not ready within its start-up timeout. */
export function timedOut(host: StepContext, worktree: WorktreeFacts, service: Service): NotRunning {
  const { ready, patience } = serviceConfiguration(worktree.settings, service.name);
  const what = ready === undefined ? "start listening" : `answer ${ready} with success`;
  const hint =
    ready === undefined
      ? `; if it does not serve HTTP at all, set services.${service.name}.http to false`
      : "";
  const why = `it did not ${what} within ${Math.round(patience / 1000)} s${hint}`;
  return notRunning(host, worktree, service, why);
}

/**
 * Returns why a service must not be started; undefined if it may be.
 *
 * @param forced the start was requested by a command, which only an unapproved start file prevents
 */
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
    // The log of an earlier process does not explain this.
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
    return notRunning(host, worktree, service, "it starts only by command", up);
  }
  // Do not start a failing program each time a page is reloaded.
  if (crash && Math.abs(Date.now() - crash.at) < RETRY_MS && status?.state !== "run") {
    return notRunning(host, worktree, service, howItEnded(crash));
  }
  return undefined;
}

/** The minimum interval between starts of a failing program by requests. */
const RETRY_MS = 3_000;
