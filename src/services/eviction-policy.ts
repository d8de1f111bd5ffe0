/** A service that runs, as the keeping of order sees it. */
export interface RunningService {
  /** `<worktree>.<service>` */
  readonly key: string;
  /** Only what was started on demand may ever be stopped. */
  readonly stoppable: boolean;
  /** Of `performance.now()`: who sets the clock stops nothing. */
  readonly lastUse: number;
  /** Milliseconds without traffic after which it stops. */
  readonly idleAfter: number;
  /** Open now: a response, a WebSocket or an event stream. */
  readonly connections: number;
  readonly leased: boolean;
  /** It starts or stops at this moment, or somebody is on the way to it. */
  readonly busy: boolean;
  /** Bytes, of all its processes. */
  readonly memory: number;
  /** Keys of the services that it was started after, and may need. */
  readonly after: readonly string[];
}

/** What all services of a project may use together. */
export interface Limits {
  readonly running?: number | undefined;
  /** Bytes. */
  readonly memory?: number | undefined;
}

/** A service to stop, and why, for people. */
export interface Stop {
  readonly key: string;
  readonly why: string;
}

/** What goes, and whether the limits hold afterwards. */
export interface Eviction {
  readonly stops: readonly Stop[];
  readonly enough: boolean;
}

/** Those that nobody has used for as long as their configuration allows. */
export function idleStops(sights: readonly RunningService[], now: number): Stop[] {
  return sights
    .filter((sight) => isFree(sight, sights) && now - sight.lastUse >= sight.idleAfter)
    .map(({ key, idleAfter }) => ({ key, why: `not used for ${seconds(idleAfter)}` }));
}

/** Those that make room for one more service: the ones not used for longest. */
export function evictForOne(sights: readonly RunningService[], limits: Limits): Eviction {
  return room(sights, limits, 1);
}

/**
 * Those that go because all together use too much. What was used this very moment
 * stays a little, or a page would have it started for each of its parts.
 */
export function evictOverLimit(
  sights: readonly RunningService[],
  limits: Limits,
  now: number,
): readonly Stop[] {
  const spared = sights.map((sight) =>
    now - sight.lastUse < SPARED_MS ? { ...sight, busy: true } : sight,
  );
  return room(spared, limits, 0).stops;
}

const SPARED_MS = 5_000;

function room(sights: readonly RunningService[], limits: Limits, coming: number): Eviction {
  let left = [...sights];
  const stops: Stop[] = [];
  for (;;) {
    const why = exceeded(left, limits, coming);
    if (why === undefined) return { stops, enough: true };
    const free = left.filter((sight) => isFree(sight, left));
    const [oldest] = free.sort((a, b) => a.lastUse - b.lastUse);
    if (!oldest) return { stops, enough: false };
    stops.push({ key: oldest.key, why });
    left = left.filter(({ key }) => key !== oldest.key);
  }
}

/** How long until the next look can find something to stop, in milliseconds. */
export function pauseUntilNext(sights: readonly RunningService[], limits: Limits): number {
  const stoppable = sights.filter((sight) => sight.stoppable);
  const shortest = Math.min(...stoppable.map(({ idleAfter }) => idleAfter / 4));
  const longest = limits.memory === undefined ? LONGEST_MS : WITH_MEMORY_MS;
  return Math.max(SHORTEST_MS, Math.min(longest, shortest));
}

/** How long what failed is not searched for a change again: searching takes half a percent of a core. */
export function pauseAfterScan(took: number): number {
  return took * SCAN_SHARE;
}

const SCAN_SHARE = 200;
const SHORTEST_MS = 250;
const LONGEST_MS = 15_000;
const WITH_MEMORY_MS = 5_000;

function exceeded(
  sights: readonly RunningService[],
  { running, memory }: Limits,
  coming: number,
): string | undefined {
  if (running !== undefined && sights.length + coming > running) {
    return `${running} services may run at once (limits.running)`;
  }
  const used = sights.reduce((sum, sight) => sum + sight.memory, 0);
  if (memory === undefined || used <= memory) return undefined;
  return `all services may use ${megabytes(memory)} together (limits.memory), and use ${megabytes(used)}`;
}

/** Whether it may be stopped: nobody uses it, and no other service that runs may need it. */
function isFree(sight: RunningService, all: readonly RunningService[]): boolean {
  if (!sight.stoppable || sight.busy || sight.leased || sight.connections > 0) return false;
  return !all.some(({ after }) => after.includes(sight.key));
}

function seconds(milliseconds: number): string {
  return milliseconds < 120_000
    ? `${milliseconds / 1000} s`
    : `${Math.round(milliseconds / 60_000)} min`;
}

function megabytes(bytes: number): string {
  return `${Math.round(bytes / 1_048_576)} MB`;
}
