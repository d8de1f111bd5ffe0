import type { WorktreeFacts } from "../discovery/facts.ts";
import { changedAfter, lastCrash } from "../host/runit/failures.ts";
import { readStatus } from "../host/runit/supervise.ts";
import { setCoalescedInterval } from "../host/timers/interval.ts";
import { serviceConfiguration } from "../model/configuration/configuration.ts";
import { stopsWhenIdle } from "../model/start-policy.ts";
import type { Service } from "../model/worktree.ts";
import type { StepContext } from "../resources/step-context.ts";
import { ServiceActivator } from "./activator.ts";
import type { ActivatorDependencies, AdmissionRequest } from "./activator-dependencies.ts";
import {
  evictForOne,
  evictOverLimit,
  idleStops,
  type Limits,
  pauseAfterScan,
  pauseUntilNext,
  type Stop,
} from "./eviction-policy.ts";
import { Leases } from "./leases.ts";
import { wasGivenPort } from "./tcp-fallback.ts";
import { type Running, UsageTracker } from "./usage.ts";

export interface IdleManagerOptions {
  readonly host: StepContext;
  readonly worktrees: () => readonly WorktreeFacts[];
  readonly ready: ActivatorDependencies["ready"];
  readonly onPort: ActivatorDependencies["onPort"];
  readonly limits: () => Limits;
  readonly journal: (line: string) => void;
}

/**
 * Stops idle services, evicts services to make room for requested ones, and restarts failed ones that
 * changed.
 */
export class IdleManager {
  readonly activator: ServiceActivator;
  readonly leases: Leases;
  readonly usageTracker: UsageTracker;
  readonly #options: IdleManagerOptions;
  #timer: NodeJS.Timeout | undefined;
  #ended = true;
  /** When to scan failed services next, a time of `performance.now()`. */
  #nextScan = 0;
  /** Serializes the search for room; otherwise two services would claim the same. */
  #rooms: Promise<unknown> = Promise.resolve();

  constructor(options: IdleManagerOptions) {
    this.#options = options;
    const { host, ready, onPort } = options;
    const room: ActivatorDependencies["room"] = (wish) => this.#room(wish);
    this.activator = new ServiceActivator(host, {
      ready,
      onPort,
      room,
      used: (key) => this.#used(key),
    });
    this.leases = new Leases((key) => this.#used(key));
    this.usageTracker = new UsageTracker(host, this.activator, (key) => this.leases.has(key));
  }

  /** Starts the regular checks. Returns a function that stops them. */
  start(): () => void {
    this.#ended = false;
    this.#checkIn(0);
    const stopScans = setCoalescedInterval(
      SCAN_MS,
      () => this.#restartChanged(),
      this.#options.journal,
    );
    return () => {
      this.#ended = true;
      clearTimeout(this.#timer);
      stopScans();
    };
  }

  readonly #failed = (error: unknown): void =>
    this.#options.journal(`checking for idle services failed: ${String(error)}`);

  #used(key: string): void {
    this.usageTracker.used(key);
    // A service that has just started may be due before the next planned check.
    this.#checkIn(USED_MS);
  }

  #checkIn(milliseconds: number): void {
    if (this.#ended) return;
    clearTimeout(this.#timer);
    this.#timer = setTimeout(() => void this.#tick(), milliseconds);
  }

  async #tick(): Promise<void> {
    const limits = this.#options.limits();
    let pause = FAILED_MS;
    try {
      const services = await this.#snapshot();
      const now = performance.now();
      const idle = idleStops(services, now);
      const left = services.filter(({ key }) => !idle.some((stop) => stop.key === key));
      await this.#stopAll(services, [...idle, ...evictOverLimit(left, limits, now)]);
      pause = pauseUntilNext(services, limits);
    } catch (error) {
      this.#failed(error);
    }
    this.#checkIn(pause);
  }

  #snapshot(): Promise<Running[]> {
    const { worktrees, limits } = this.#options;
    return this.usageTracker.snapshot(worktrees(), { memory: limits().memory !== undefined });
  }

  /** Stops services; returns whether all of them were stopped. */
  async #stopAll(services: readonly Running[], stops: readonly Stop[]): Promise<boolean> {
    const results = await Promise.all(
      stops.map(async ({ key, why }) => {
        const candidate = services.find((each) => each.key === key);
        const done =
          candidate && (await this.activator.stopIfIdle(candidate.worktree, candidate.service));
        if (done) this.#options.journal(`stop service ${key}: ${why}`);
        return done === true;
      }),
    );
    return results.every(Boolean);
  }

  async #room(wish: AdmissionRequest): Promise<string | undefined> {
    for (;;) {
      const attempt = this.#rooms.then(() => this.#tryRoom(wish));
      this.#rooms = attempt.catch(() => {});
      const full = await attempt;
      if (full === undefined || performance.now() + ROOM_MS >= wish.deadline) return full;
      await new Promise((resolve) => setTimeout(resolve, ROOM_MS));
    }
  }

  async #tryRoom({ key, must, admit }: AdmissionRequest): Promise<string | undefined> {
    const limits = this.#options.limits();
    const bounded = limits.running !== undefined || limits.memory !== undefined;
    if (bounded) {
      const services = (await this.#snapshot()).filter((candidate) => candidate.key !== key);
      const { stops, enough } = evictForOne(services, limits);
      const done = await this.#stopAll(services, stops);
      if (!must && !(enough && done)) return full(limits, services);
    }
    admit();
    return undefined;
  }

  /** Starts a changed service, on a socket again if it was given a port: it may support a socket now. */
  async #startChanged(worktree: WorktreeFacts, service: Service): Promise<void> {
    const found = wasGivenPort(service)
      ? await this.#options.onPort(worktree.slug, service.slug, false)
      : { worktree, service };
    if (found) await this.activator.activate(found.worktree, found.service, true);
  }

  /** Starts failed services whose files have changed since, and disposes of those that stay unchanged. */
  #restartChanged(): void {
    if (performance.now() < this.#nextScan) return;
    const { host, worktrees } = this.#options;
    let scanned = 0;
    for (const key of host.serviceDirectories.names()) {
      const crash = lastCrash(host.definitions, key);
      const gaveUp = host.serviceDirectories.gaveUp(key);
      if ((!crash && !gaveUp) || this.activator.isBusy(key)) continue;
      const found = find(worktrees(), key);
      if (!found?.service.backend) continue;
      const { worktree, service } = found;
      const runs = readStatus(host.serviceDirectories.path(key))?.state === "run";
      // A retry after the back-off may have started the fixed files already.
      if (runs && !wasGivenPort(service)) continue;
      // Start at once: a new definition has no record of failures. If the failure lies in the future, the
      // clock was set back, and the record cannot tell what has changed since.
      const isNew = !crash || crash.at > Date.now() + CLOCK_SET_MS;
      if (runs && isNew) continue;
      const began = performance.now();
      const isChanged = isNew || changedAfter(found.service.backend.directory, crash.at);
      scanned += performance.now() - began;
      this.#nextScan = performance.now() + pauseAfterScan(scanned);
      if (isChanged) {
        this.#options.journal(`start service ${key}: it was changed after it failed`);
        this.#startChanged(worktree, service).catch(this.#failed);
        continue;
      }
      const { start, idle } = serviceConfiguration(worktree.settings, service.name);
      const over = gaveUp && Date.now() - crash.at >= idle;
      if (over && stopsWhenIdle(start, worktree.isDefault)) {
        this.activator.stopIfIdle(worktree, service).catch(this.#failed);
      }
    }
  }
}

const SCAN_MS = 2_000;
const CLOCK_SET_MS = 1_000;
const USED_MS = 250;
const FAILED_MS = 5_000;
const ROOM_MS = 250;

function full({ running, memory }: Limits, services: readonly Running[]): string {
  const limit =
    running !== undefined && services.length >= running
      ? `at most ${running} services may run at once (limits.running)`
      : `all services together may use ${Math.round((memory ?? 0) / 1_048_576)} MB (limits.memory)`;
  const names = services.map(({ key }) => key.replace(".", "/")).join(", ");
  return `${limit}, and the running ones are in use or always on: ${names}`;
}

function find(
  worktrees: readonly WorktreeFacts[],
  key: string,
): { worktree: WorktreeFacts; service: Service } | undefined {
  const [slug, name] = key.split(".");
  const worktree = worktrees.find((w) => w.slug === slug);
  const service = worktree?.services.find((s) => s.slug === name);
  return worktree && service ? { worktree, service } : undefined;
}
