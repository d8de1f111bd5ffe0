import { dropRetired, listRetired, sweepDropped } from "../host/postgres/retired.ts";
import { listSchemas } from "../host/postgres/schemas.ts";
import { sweepLogs } from "../host/worktree-logs.ts";
import { expiries, type Retention } from "../model/retention.ts";
import type { Journal, Keeper } from "./keeper.ts";

const LONGEST_PAUSE_MS = 60_000;
const SHORTEST_PAUSE_MS = 500;

/**
 * Drops, for good, the data of removed worktrees whose time is over. A clock is
 * the only thing that ever leads to a drop, and one that nobody can set. Returns
 * the way to end it.
 */
export function enforceRetention(
  keeper: Keeper,
  retention: () => Retention,
  journal: Journal,
): () => Promise<void> {
  const told = new Set<string>();
  let running: Promise<void> = Promise.resolve();
  let timer: NodeJS.Timeout;
  const tick = () => {
    running = enforceOnce(keeper, retention(), (line) => {
      // What stands in the way stays there for days; once is enough.
      if (told.has(line)) return;
      told.add(line);
      journal(line);
    }).finally(next);
  };
  const next = () => {
    const pause = Math.max(SHORTEST_PAUSE_MS, Math.min(LONGEST_PAUSE_MS, retention().age / 4));
    timer = setTimeout(tick, pause);
  };
  next();
  return async () => {
    clearTimeout(timer);
    await running;
    clearTimeout(timer);
  };
}

async function enforceOnce(keeper: Keeper, retention: Retention, journal: Journal): Promise<void> {
  const { postgres, notes } = keeper.host;
  try {
    for (const failure of await sweepDropped(postgres)) journal(failure);
    const { all, now } = await listRetired(postgres);
    const due = expiries(all, retention).filter(({ goes }) => goes <= now);
    for (const { schema, mark, removed } of due) {
      try {
        await dropRetired(postgres, schema);
        notes.delete(schema);
        journal(`drop schema ${schema}: ${mark.worktree} was removed on ${removed.toISOString()}`);
      } catch (error) {
        const why = error instanceof Error ? error.message : String(error);
        notes.set(schema, "schema", why);
        journal(`drop schema ${schema} failed: ${why}`);
      }
    }
    await sweepUnowned(keeper).catch((error: unknown) =>
      journal(`logs of worktrees that are gone cannot be removed: ${String(error)}`),
    );
  } catch {
    // Postgres is away: the next tick finds the same.
  }
}

/** The logs of a removed worktree are kept as long as its data is: whoever restores that reads them. */
async function sweepUnowned({ host, worktrees }: Keeper): Promise<void> {
  const marked = (await listSchemas(host.postgres)).flatMap(({ mark }) => mark?.identity ?? []);
  sweepLogs(host.layout, new Set([...marked, ...worktrees.map(({ identity }) => identity)]));
}
