/** A running service, with what decides whether it may be stopped. */
export interface RunningService {
  /** `<worktree>.<service>` */
  readonly key: string;
  /** Whether its start policy allows stopping it: only services started on demand. */
  readonly stoppable: boolean;
  /** A time of `performance.now()`, so that setting the clock stops nothing. */
  readonly lastUse: number;
  /** Milliseconds without traffic after which to stop it. */
  readonly idleAfter: number;
  /** The number of open connections: responses, WebSockets, event streams. */
  readonly connections: number;
  readonly leased: boolean;
  /** It is starting or stopping, or a request is on its way to it. */
  readonly busy: boolean;
  /** Memory of all its processes, in bytes. */
  readonly memory: number;
  /** Keys of the services that it was started after, and may need. */
  readonly after: readonly string[];
}

/** The limits of all services of a project together. */
export interface Limits {
  readonly running?: number | undefined;
  /** Bytes. */
  readonly memory?: number | undefined;
}

/** A service to stop, with the reason for the log. */
export interface Stop {
  readonly key: string;
  readonly why: string;
}

/** The services to stop, and whether the limits are met afterwards. */
export interface Eviction {
  readonly stops: readonly Stop[];
  readonly enough: boolean;
}

/** Selects the services that have been idle for as long as their configuration allows. */
export function idleStops(services: readonly RunningService[], now: number): Stop[] {
  return services
    .filter((service) => isFree(service, services) && now - service.lastUse >= service.idleAfter)
    .map(({ key, idleAfter }) => ({ key, why: `not used for ${seconds(idleAfter)}` }));
}

/** Selects the least recently used services to make room for one more. */
export function evictForOne(services: readonly RunningService[], limits: Limits): Eviction {
  return room(services, limits, 1);
}

/**
 * Selects the services to stop because all together exceed the limits. Spares those used within the last
 * 5 s; otherwise a page would restart a service for each of its resources.
 */
export function evictOverLimit(
  services: readonly RunningService[],
  limits: Limits,
  now: number,
): readonly Stop[] {
  const spared = services.map((service) =>
    now - service.lastUse < SPARED_MS ? { ...service, busy: true } : service,
  );
  return room(spared, limits, 0).stops;
}

const SPARED_MS = 5_000;

function room(services: readonly RunningService[], limits: Limits, coming: number): Eviction {
  let left = [...services];
  const stops: Stop[] = [];
  for (;;) {
    const why = exceeded(left, limits, coming);
    if (why === undefined) return { stops, enough: true };
    const free = left.filter((service) => isFree(service, left));
    const [oldest] = free.sort((a, b) => a.lastUse - b.lastUse);
    if (!oldest) return { stops, enough: false };
    stops.push({ key: oldest.key, why });
    left = left.filter(({ key }) => key !== oldest.key);
  }
}

/** Returns the milliseconds until the next check can find something to stop. */
export function pauseUntilNext(services: readonly RunningService[], limits: Limits): number {
  const stoppable = services.filter((service) => service.stoppable);
  const shortest = Math.min(...stoppable.map(({ idleAfter }) => idleAfter / 4));
  const longest = limits.memory === undefined ? LONGEST_MS : WITH_MEMORY_MS;
  return Math.max(SHORTEST_MS, Math.min(longest, shortest));
}

/**
 * Returns the pause before failed services are scanned for changes again, so that scans use 0.5 % of a core.
 */
export function pauseAfterScan(took: number): number {
  return took * SCAN_SHARE;
}

const SCAN_SHARE = 200;
const SHORTEST_MS = 250;
const LONGEST_MS = 15_000;
const WITH_MEMORY_MS = 5_000;

function exceeded(
  services: readonly RunningService[],
  { running, memory }: Limits,
  coming: number,
): string | undefined {
  if (running !== undefined && services.length + coming > running) {
    return `at most ${running} services may run at once (limits.running)`;
  }
  const used = services.reduce((sum, service) => sum + service.memory, 0);
  if (memory === undefined || used <= memory) return undefined;
  return `all services together use ${megabytes(used)} of at most ${megabytes(memory)} (limits.memory)`;
}

/** Tells whether a service may be stopped: it is not in use, and no running service starts after it. */
function isFree(service: RunningService, all: readonly RunningService[]): boolean {
  if (!service.stoppable || service.busy || service.leased || service.connections > 0) return false;
  return !all.some(({ after }) => after.includes(service.key));
}

function seconds(milliseconds: number): string {
  return milliseconds < 120_000
    ? `${milliseconds / 1000} s`
    : `${Math.round(milliseconds / 60_000)} min`;
}

function megabytes(bytes: number): string {
  return `${Math.round(bytes / 1_048_576)} MB`;
}
