import { inOrder, serviceState, worktreeState } from "../engine/report.ts";
import type { WorktreeFacts } from "../facts/facts.ts";
import { readStatus } from "../host/runit/supervise.ts";
import { lastUse, residentMemory } from "../host/usage.ts";
import { serviceConfiguration } from "../model/configuration.ts";
import type { ServiceReport, WorktreeReport } from "../model/report.ts";
import { schemaOf } from "../model/slug.ts";
import { worktreeUrl } from "../model/variables.ts";
import type { Service } from "../model/worktree.ts";
import type { Keeper } from "./keeper.ts";

/** Every worktree as it is now, the default one first. */
export function inspectAll(keeper: Keeper, httpPort: number): WorktreeReport[] {
  return inOrder(keeper.worktrees.map((worktree) => inspect(keeper, worktree, httpPort)));
}

export function inspect(keeper: Keeper, worktree: WorktreeFacts, httpPort: number): WorktreeReport {
  const { slug } = worktree;
  const problems = [
    ...keeper.problemsOf(slug),
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
      busy: keeper.isBusy(slug),
      provisioned: keeper.isProvisioned(slug),
      unknown: worktree.state === "unknown",
    }),
    schema: schemaOf(slug),
    url: worktreeUrl(slug, httpPort),
    services: worktree.services.map((service) =>
      inspectService(keeper, worktree, service, httpPort),
    ),
    problems,
  };
}

function inspectService(
  keeper: Keeper,
  worktree: WorktreeFacts,
  service: Service,
  httpPort: number,
): ServiceReport {
  const { host, wakes } = keeper;
  const key = `${worktree.slug}.${service.slug}`;
  const placed = host.slots.has(key);
  const status = placed ? readStatus(host.slots.path(key)) : undefined;
  const crashes = host.definitions.crashes(key);
  const held = worktree.trust().held.get(service.slug);
  const state = serviceState({
    hasBackend: service.backend !== undefined,
    placed,
    supervised: status?.state,
    wants: status?.wants,
    starting: wakes.isStarting(key),
    crashes: crashes?.count ?? 0,
    held: held !== undefined && status?.state !== "run",
  });
  const base = worktreeUrl(worktree.slug, httpPort);
  const running = state === "running" && status && status.pid > 0;
  const used = lastUse(host.layout, worktree.slug, service.slug, worktree.isDefault);
  const { start } = serviceConfiguration(worktree.settings, service.name);
  return {
    name: service.name,
    slug: service.slug,
    state,
    start,
    url: service.unnamed ? base : `${base}/${service.slug}`,
    ...(running ? { pid: status.pid, memory: residentMemory(status.pid) } : {}),
    ...(used ? { lastUse: used.toISOString() } : {}),
    ...(held === undefined ? {} : { why: `${held} has not been approved` }),
    ...(crashes && state === "crashed"
      ? {
          why: `failed ${crashes.count} times, last with ${crashes.code >= 0 ? `exit code ${crashes.code}` : `signal ${crashes.signal}`}`,
        }
      : {}),
  };
}
