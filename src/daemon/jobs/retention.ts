import { keepRetentionClock } from "../../host/postgres/retention-clock.ts";
import { dropRetired, listRetired, sweepDropped } from "../../host/postgres/retired.ts";
import { listSchemas } from "../../host/postgres/schemas.ts";
import { sweepLogs } from "../../host/runit/worktree-logs.ts";
import { DEFAULT_CONFIGURATION } from "../../model/configuration/configuration.ts";
import { formatDuration } from "../../model/duration.ts";
import type { Journal } from "../../model/journal.ts";
import {
  expiries,
  followRetention,
  type KeptRetention,
  type Retention,
  shortensAt,
} from "../../model/retention.ts";
import type { Reconciler } from "../reconciler/reconciler.ts";

const LONGEST_PAUSE_MS = 60_000;
const SHORTEST_PAUSE_MS = 500;
const FALLBACK = DEFAULT_CONFIGURATION.worktrees.retention;

/** Reads the configured retention; undefined while it cannot be determined. */
export type GivenRetention = () => Retention | undefined;

/**
 * Permanently drops expired data of removed worktrees. Only the passing of time leads to a drop, measured
 * by a clock that cannot be set.
 *
 * @returns `look`, to be called when the configuration may have changed, and `end`, which stops it
 */
export function enforceRetention(
  reconciler: Reconciler,
  given: GivenRetention,
  journal: Journal,
): { look(): void; end(): Promise<void> } {
  const logged = new Set<string>();
  let running: Promise<void> = Promise.resolve();
  let timer: NodeJS.Timeout | undefined;
  let hasEnded = false;
  /** Requested during a run, which may have read older settings. */
  let again = false;
  const tick = () => {
    timer = undefined;
    again = false;
    running = enforceOnce(reconciler, given(), (line) => {
      // An obstacle may persist for days: log it once.
      if (logged.has(line)) return;
      logged.add(line);
      journal(line);
    }).finally(next);
  };
  const next = () => {
    if (hasEnded) return;
    const { age } = given() ?? FALLBACK;
    const pause = Math.max(SHORTEST_PAUSE_MS, Math.min(LONGEST_PAUSE_MS, age / 4));
    timer = setTimeout(tick, again ? 0 : pause);
  };
  tick();
  return {
    look() {
      again = true;
      if (timer === undefined) return;
      clearTimeout(timer);
      tick();
    },
    async end() {
      hasEnded = true;
      clearTimeout(timer);
      await running;
    },
  };
}

async function enforceOnce(
  reconciler: Reconciler,
  given: Retention | undefined,
  journal: Journal,
): Promise<void> {
  const { postgres, warnings } = reconciler.host;
  try {
    for (const failure of await sweepDropped(postgres)) journal(failure);
    const { all, now, clock } = await listRetired(postgres);
    const retention = retentionNow({ all, clock }, given);
    if (all.length > 0) announceShorter(clock.retention ?? undefined, retention, journal);
    await keepRetentionClock(postgres, () => retention);
    const due = expiries(all, retention).filter(({ goes }) => goes <= now);
    for (const { schema, mark, removed } of due) {
      try {
        await dropRetired(postgres, schema);
        warnings.delete(schema);
        journal(`drop schema ${schema}: ${mark.worktree} was removed on ${removed.toISOString()}`);
      } catch (error) {
        const why = error instanceof Error ? error.message : String(error);
        warnings.set(schema, "schema", why);
        journal(`drop schema ${schema} failed: ${why}`);
      }
    }
    await sweepUnowned(reconciler, retention).catch((error: unknown) =>
      journal(`cannot remove logs of removed worktrees: ${String(error)}`),
    );
  } catch {
    // Postgres is down: the next run retries.
  }
}

/** Returns the retention in force, taking earlier and longer ones into account. */
export function retentionNow(
  { all, clock }: Pick<Awaited<ReturnType<typeof listRetired>>, "all" | "clock">,
  given: Retention | undefined,
): KeptRetention {
  const isNew = clock.retention === undefined && all.length === 0;
  return followRetention(isNew ? null : clock.retention, given, FALLBACK, clock.at);
}

/** Announces a shorter retention when it is first read, a day before anything expires by it. */
function announceShorter(
  before: KeptRetention | undefined,
  now: KeptRetention,
  journal: Journal,
): void {
  if (!before || shortensAt(now) === undefined) return;
  if (now.age === before.age && now.count === before.count) return;
  journal(
    `retention becomes shorter in 24 hours: ${inWords(now)} instead of ${inWords(before)}; ` +
      "to keep data: set worktrees.retention, or ikigai wt restore NAME --into WORKTREE",
  );
}

function inWords({ age, count }: Retention): string {
  return `${formatDuration(age)} (${count} at most)`;
}

/** Removes logs of removed worktrees whose data is gone too: a user who restores data may need its logs. */
async function sweepUnowned({ host, worktrees }: Reconciler, { age }: Retention): Promise<void> {
  const marked = (await listSchemas(host.postgres)).flatMap(({ mark }) => mark?.identity ?? []);
  sweepLogs(host.layout, {
    identities: new Set([...marked, ...worktrees.map(({ identity }) => identity)]),
    services: new Set(host.definitions.names()),
    since: Date.now() - age,
  });
}
