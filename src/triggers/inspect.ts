import { inOrder, serviceState, worktreeState } from "../engine/report.ts";
import type { WorktreeFacts } from "../facts/facts.ts";
import { howItEnded, lastCrash } from "../host/runit/crashes.ts";
import { readStatus } from "../host/runit/supervise.ts";
import { memoryOfGroups } from "../host/usage.ts";
import { serviceConfiguration } from "../model/configuration.ts";
import type { ServiceReport, WorktreeReport } from "../model/report.ts";
import { schemaOf } from "../model/slug.ts";
import { worktreeUrl } from "../model/variables.ts";
import type { Service } from "../model/worktree.ts";
import type { Keeper } from "./keeper.ts";

/** Every worktree as it is now, the default one first. */
export function inspectAll(keeper: Keeper, httpPort: number): WorktreeReport[] {
  return inOrder(inspectEach(keeper, keeper.worktrees, httpPort));
}

export function inspect(keeper: Keeper, worktree: WorktreeFacts, httpPort: number): WorktreeReport {
  return report(keeper, worktree, httpPort, memoryOf(keeper, [worktree]));
}

function inspectEach(keeper: Keeper, worktrees: readonly WorktreeFacts[], httpPort: number) {
  const memory = memoryOf(keeper, worktrees);
  return worktrees.map((worktree) => report(keeper, worktree, httpPort, memory));
}

/** Bytes by the process that leads a service. */
type Memory = ReadonlyMap<number, number>;

/** The processes of the system are looked through once, however many services there are. */
function memoryOf({ host }: Keeper, worktrees: readonly WorktreeFacts[]): Memory {
  const keys = worktrees.flatMap(({ slug, services }) => services.map((s) => `${slug}.${s.slug}`));
  const statuses = keys
    .filter((key) => host.slots.has(key))
    .map((key) => readStatus(host.slots.path(key)));
  return memoryOfGroups(new Set(statuses.flatMap((s) => (s && s.pid > 0 ? [s.pid] : []))));
}

function report(
  keeper: Keeper,
  worktree: WorktreeFacts,
  httpPort: number,
  memory: Memory,
): WorktreeReport {
  const { slug } = worktree;
  const progress = keeper.host.branching.get(slug);
  const problems = [
    ...keeper.problemsOf(slug),
    ...keeper.notesOf(slug),
    ...worktree.refused.map(({ name, why }) => `${name}: ${why}`),
  ];
  return {
    name: worktree.name,
    slug,
    branch: worktree.branch ?? null,
    path: Buffer.from(worktree.path).toString(),
    default: worktree.isDefault,
    main: worktree.isMain,
    locked: worktree.locked ?? null,
    state: worktreeState({
      problems: keeper.problemsOf(slug),
      branching: progress !== undefined,
      busy: keeper.isBusy(slug),
      provisioned: keeper.isProvisioned(slug),
      unknown: worktree.state === "unknown",
    }),
    ...(progress === undefined ? {} : { progress }),
    schema: schemaOf(slug),
    url: worktreeUrl(slug, httpPort),
    services: worktree.services.map((service) =>
      inspectService(keeper, worktree, service, httpPort, memory),
    ),
    problems,
  };
}

function inspectService(
  keeper: Keeper,
  worktree: WorktreeFacts,
  service: Service,
  httpPort: number,
  memory: Memory,
): ServiceReport {
  const { host, wakes, housekeeper } = keeper;
  const key = `${worktree.slug}.${service.slug}`;
  const placed = host.slots.has(key);
  const status = placed ? readStatus(host.slots.path(key)) : undefined;
  const crash = lastCrash(host.definitions, key);
  const { start } = serviceConfiguration(worktree.settings, service.name);
  const held = worktree.trust().held.get(service.slug);
  const state = serviceState({
    hasBackend: service.backend !== undefined,
    placed,
    supervised: status?.state,
    since: status?.since ?? 0,
    wants: status?.wants,
    rested: placed && host.slots.isRested(key),
    start,
    starting: wakes.isStarting(key),
    crashed: crash !== undefined,
    now: Date.now() / 1000,
    held: held !== undefined && status?.state !== "run",
  });
  const base = worktreeUrl(worktree.slug, httpPort);
  const running = state === "running" && status && status.pid > 0;
  const used = housekeeper.census.lastUse(worktree, service);
  return {
    name: service.name,
    slug: service.slug,
    state,
    start,
    url: service.unnamed ? base : `${base}/${service.slug}`,
    ...(running ? { pid: status.pid, memory: memory.get(status.pid) ?? 0 } : {}),
    ...(used ? { lastUse: used.toISOString() } : {}),
    ...(held === undefined ? {} : { why: `${held} has not been approved` }),
    ...(crash && state === "crashed"
      ? { why: `failed ${crash.count} times; last ${howItEnded(crash)}` }
      : {}),
  };
}
