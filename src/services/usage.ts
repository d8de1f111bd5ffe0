import type { WorktreeFacts } from "../discovery/facts.ts";
import { openConnections } from "../host/net/open-connections.ts";
import { lastUse, memoryOfGroups } from "../host/process/usage.ts";
import { readStatus } from "../host/runit/supervise.ts";
import { serviceConfiguration } from "../model/configuration/configuration.ts";
import type { Slug } from "../model/slug.ts";
import { stopsWhenIdle } from "../model/start-policy.ts";
import type { Service } from "../model/worktree.ts";
import type { StepContext } from "../resources/step-context.ts";
import type { ServiceActivator } from "./activator.ts";
import { endpointOf } from "./endpoints.ts";
import type { RunningService } from "./eviction-policy.ts";

/** A running service, with what is needed to stop it. */
export interface Running extends RunningService {
  readonly worktree: WorktreeFacts;
  readonly service: Service;
}

/** Tracks which services are running, and when each was last used. */
export class UsageTracker {
  readonly #host: StepContext;
  readonly #activator: ServiceActivator;
  readonly #isLeased: (key: string) => boolean;
  /** Use seen by the daemon itself, in addition to nginx's logs. */
  readonly #used = new Map<string, Moment>();
  /** When each service was first seen running (`performance.now()`): earlier use is unknown. */
  readonly #known = new Map<string, number>();
  /** The worktree that the addresses without a name led to at the last snapshot. */
  #bare: string | undefined;
  /** The times of nginx's log files at the last snapshot. */
  readonly #written = new Map<string, Written>();

  constructor(host: StepContext, activator: ServiceActivator, isLeased: (key: string) => boolean) {
    this.#host = host;
    this.#activator = activator;
    this.#isLeased = isLeased;
  }

  used(key: string): void {
    this.#used.set(key, { clock: Date.now(), monotonic: performance.now() });
  }

  /** Forgets the use of a removed worktree, so that a later one of the same name starts unused. */
  forgetUse(worktree: Slug): void {
    for (const key of this.#used.keys()) {
      if (key.startsWith(`${worktree}.`)) this.#used.delete(key);
    }
  }

  /** Returns when a service was last used, whether it is running or not. */
  lastUse(worktree: WorktreeFacts, service: Service): Date | undefined {
    const seen = this.#used.get(`${worktree.slug}.${service.slug}`)?.clock;
    const written = this.#lastWritten(worktree, service, worktree.isDefault);
    if (seen === undefined || (written && written.getTime() > seen)) return written;
    return new Date(seen);
  }

  /** Reads all services that are running or admitted. */
  async snapshot(
    worktrees: readonly WorktreeFacts[],
    { memory }: { memory: boolean },
  ): Promise<Running[]> {
    const { serviceDirectories, pointer } = this.#host;
    const placed = new Set(serviceDirectories.names());
    const present = worktrees.flatMap((worktree) =>
      worktree.services
        .filter(({ backend }) => backend !== undefined)
        .map((service) => {
          const key = `${worktree.slug}.${service.slug}`;
          const status = placed.has(key) ? readStatus(serviceDirectories.path(key)) : undefined;
          const pid = status?.state === "run" ? status.pid : 0;
          return { key, worktree, service, pid, admitted: this.#activator.isAdmitted(key) };
        })
        .filter(({ pid, admitted }) => pid > 0 || admitted),
    );
    const bare = pointer.slug;
    if (this.#bare !== bare) {
      // Use through the addresses without a name counted for the previous default worktree until now.
      for (const { key, worktree } of present) if (worktree.slug === this.#bare) this.used(key);
      this.#bare = bare;
    }
    this.#forget(new Set(present.map(({ key }) => key)));
    const open = await openConnections(
      present.map(({ worktree, service }) => endpointOf(this.#host, worktree, service)),
    );
    const groups = memoryOfGroups(new Set(memory ? present.map(({ pid }) => pid) : []));
    const running = present.map(({ key, pid, worktree, service }) => {
      const connections = open.get(key) ?? 0;
      const leased = this.#isLeased(key);
      if (connections > 0 || leased) this.used(key);
      const { start, idle, after } = serviceConfiguration(worktree.settings, service.name);
      return {
        key,
        worktree,
        service,
        stoppable: stopsWhenIdle(start, worktree.isDefault || worktree.slug === bare),
        lastUse: Math.max(
          (this.#used.get(key)?.monotonic ?? 0) + UNWRITTEN_MS,
          this.#writtenAt(key, this.#lastWritten(worktree, service, worktree.slug === bare)) +
            UNWRITTEN_MS,
          this.#known.get(key) ?? 0,
        ),
        idleAfter: idle,
        connections,
        leased,
        busy: this.#activator.isInUse(key),
        memory: groups.get(pid) ?? 0,
        after: worktree.services
          .filter(({ name }) => after.includes(name))
          .map(({ slug }) => `${worktree.slug}.${slug}`),
      };
    });
    return running.map((one) => withNeighbours(one, running));
  }

  #lastWritten({ slug }: WorktreeFacts, service: Service, isBare: boolean): Date | undefined {
    return lastUse(this.#host.layout, slug, service.slug, isBare);
  }

  /**
   * Converts a file time to `performance.now()`; a change since the last snapshot cannot be older than that.
   */
  #writtenAt(key: string, file: Date | undefined): number {
    if (file === undefined) return Number.NEGATIVE_INFINITY;
    const now = performance.now();
    const before = this.#written.get(key);
    const time = file.getTime();
    const since = Math.max(now - Math.max(0, Date.now() - time), before?.seen ?? 0);
    const at = before?.time === time ? before.at : since;
    this.#written.set(key, { time, at, seen: now });
    return at;
  }

  #forget(present: ReadonlySet<string>): void {
    for (const key of this.#known.keys()) if (!present.has(key)) this.#known.delete(key);
    for (const key of this.#written.keys()) if (!present.has(key)) this.#written.delete(key);
    for (const key of present) if (!this.#known.has(key)) this.#known.set(key, performance.now());
  }
}

/** Counts a service without HTTP, which gets no requests, as used whenever its worktree's services are. */
function withNeighbours(one: Running, all: readonly Running[]): Running {
  if (one.service.backend?.listen !== "none") return one;
  const neighbours = all.filter(({ worktree }) => worktree.slug === one.worktree.slug);
  return {
    ...one,
    lastUse: Math.max(...neighbours.map(({ lastUse }) => lastUse)),
    connections: neighbours.reduce((sum, { connections }) => sum + connections, 0),
  };
}

interface Moment {
  /** Milliseconds since the epoch. */
  readonly clock: number;
  readonly monotonic: number;
}

interface Written {
  /** The file's mtime, in milliseconds since the epoch. */
  readonly time: number;
  /** The same time, and the time of the last snapshot, both of `performance.now()`. */
  readonly at: number;
  readonly seen: number;
}

/** nginx logs at most one line per second, so the last use may be later by that much. */
const UNWRITTEN_MS = 1_000;
