import type { WorktreeFacts } from "../../discovery/facts.ts";
import { memoryOfGroups } from "../../host/process/usage.ts";
import { howItFails, lastCrash } from "../../host/runit/failures.ts";
import { readStatus, type SuperviseStatus } from "../../host/runit/supervise.ts";
import { serviceUrl, shownUrl } from "../../model/addresses.ts";
import { serviceConfiguration } from "../../model/configuration/configuration.ts";
import { problemLine } from "../../model/configuration/problems.ts";
import { excerptOf } from "../../model/log-excerpt.ts";
import type { ServiceReport, WorktreeReport } from "../../model/reports.ts";
import { schemaOf } from "../../model/slug.ts";
import type { Service } from "../../model/worktree.ts";
import { defaultFirst, serviceState, worktreeState } from "../../reconcile/states.ts";
import type { StepContext } from "../../resources/step-context.ts";
import { endOfLog } from "../../services/start-failure.ts";
import type { Reconciler } from "../reconciler/reconciler.ts";

/** Reports the current state of every worktree, the default one first. */
export function inspectAll(reconciler: Reconciler, httpPort: number): WorktreeReport[] {
  const snapshot = takeSnapshot(reconciler);
  return defaultFirst(
    reconciler.worktrees.map((worktree) => report(reconciler, worktree, httpPort, snapshot)),
  );
}

export function inspect(
  reconciler: Reconciler,
  worktree: WorktreeFacts,
  httpPort: number,
): WorktreeReport {
  return report(reconciler, worktree, httpPort, takeSnapshot(reconciler, worktree.slug));
}

/** What is read once for a report, however many services there are. */
interface Snapshot {
  /** runsv's status by service; only of services that have a service directory. */
  readonly placed: ReadonlyMap<string, SuperviseStatus | undefined>;
  /** Memory in bytes by the pid of a service's leading process. */
  readonly memory: ReadonlyMap<number, number>;
}

function takeSnapshot({ host }: Reconciler, only?: string): Snapshot {
  const names = host.serviceDirectories
    .names()
    .filter((key) => !only || key.startsWith(`${only}.`));
  const placed = new Map(
    names
      .filter((key) => host.serviceDirectories.has(key))
      .map((key) => [key, readStatus(host.serviceDirectories.path(key))] as const),
  );
  const leaders = [...placed.values()].flatMap((s) => (s && s.pid > 0 ? [s.pid] : []));
  return { placed, memory: memoryOfGroups(new Set(leaders)) };
}

function report(
  reconciler: Reconciler,
  worktree: WorktreeFacts,
  httpPort: number,
  snapshot: Snapshot,
): WorktreeReport {
  const { slug } = worktree;
  const { held } = worktree.trust();
  const progress = reconciler.host.branchProgress.get(slug);
  const serious = [...reconciler.problemsOf(slug), ...worktree.mistakes.map(problemLine)];
  const problems = [
    ...serious,
    ...reconciler.warningsOf(slug),
    ...worktree.refused.map(({ name, why }) => `${name}: ${why}`),
  ];
  const services = worktree.services.map((service) =>
    inspectService(reconciler, worktree, service, httpPort, snapshot, held.get(service.slug)),
  );
  return {
    name: worktree.name,
    slug,
    branch: worktree.branch ?? null,
    path: Buffer.from(worktree.path).toString(),
    default: worktree.isDefault,
    main: worktree.isMain,
    locked: worktree.locked ?? null,
    state: worktreeState({
      problems: serious,
      failing: services.some(({ failures }) => failures !== undefined),
      branching: progress !== undefined,
      busy: reconciler.isBusy(slug),
      provisioned: reconciler.isProvisioned(slug),
      unknown: worktree.state === "unknown",
    }),
    ...(progress === undefined ? {} : { progress }),
    schema: schemaOf(slug),
    url: shownUrl(slug, worktree.services, httpPort),
    services,
    problems,
    warnings: worktree.warnings.map(problemLine),
  };
}

function inspectService(
  reconciler: Reconciler,
  worktree: WorktreeFacts,
  service: Service,
  httpPort: number,
  { placed: places, memory }: Snapshot,
  held: string | undefined,
): ServiceReport {
  const { host, activator, idleManager } = reconciler;
  const key = `${worktree.slug}.${service.slug}`;
  const placed = places.has(key);
  const status = places.get(key);
  const crash = lastCrash(host.definitions, key);
  const { start } = serviceConfiguration(worktree.settings, service.name);
  const state = serviceState({
    hasBackend: service.backend !== undefined,
    placed,
    supervised: status?.state,
    since: status?.since ?? 0,
    wants: status?.wants,
    rested: placed && host.serviceDirectories.isStopped(key),
    start,
    starting: activator.isStarting(key),
    crashed: crash !== undefined,
    now: Date.now() / 1000,
    held: held !== undefined && status?.state !== "run",
  });
  const running = (state === "running" || state === "crashing") && status && status.pid > 0;
  const used = idleManager.usageTracker.lastUse(worktree, service);
  return {
    name: service.name,
    slug: service.slug,
    state,
    start,
    url: serviceUrl(worktree.slug, service, httpPort) ?? null,
    ...(running ? { pid: status.pid, memory: memory.get(status.pid) ?? 0 } : {}),
    ...(used ? { lastUse: used.toISOString() } : {}),
    ...(held === undefined ? {} : { why: `${held} has not been approved`, held: true as const }),
    ...(crash && (state === "crashed" || state === "crashing")
      ? { why: howItFails(crash), failures: crash.count, log: failureLog(host, key) }
      : {}),
  };
}

/**
 * Extracts the log of the last run that failed, without the line about its end, which is reported separately.
 */
function failureLog({ layout }: StepContext, key: string): readonly string[] {
  const lines = endOfLog(layout, key, LOG_LINES).map((line) => line.replace(STAMP, ""));
  const isEnd = (line: string) => /^ikigai: \S+ (?:ended|failed) /.test(line);
  // Take the last run that has ended: the current one has not failed yet.
  const end = lines.findLastIndex((line, i) => isEnd(line) && i > 0 && !isEnd(lines[i - 1] ?? ""));
  const begin = lines.slice(0, Math.max(end, 0)).findLastIndex(isEnd) + 1;
  return excerptOf(end < 0 ? lines : lines.slice(begin, end));
}

const LOG_LINES = 80;
/** The timestamp of svlogd(8) -tt. */
const STAMP = /^\d{4}-\d\d-\d\d_[\d:.]+ /;
