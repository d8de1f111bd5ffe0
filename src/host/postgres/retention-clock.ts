import os from "node:os";
import type { KeptRetention } from "../../model/retention.ts";
import {
  advance,
  isWorthKeeping,
  type Reading,
  type RetentionClock,
} from "../../model/retention-clock.ts";
import { readIfThere } from "../fs/files.ts";
import type { Postgres } from "./client.ts";
import { quoteText } from "./quote.ts";

const PREFIX = "ikigai:clock ";

/** What is stored with the data, in the comment on the owner's role. */
export interface KeptClock extends RetentionClock {
  /** Null if no retention has been applied yet; undefined if it is unknown. */
  readonly retention?: KeptRetention | null | undefined;
}

/** Reads the retention clock as of now, with the retention that was applied last. Writes nothing. */
export async function readRetentionClock(postgres: Postgres): Promise<KeptClock> {
  return goOn(await readKept(postgres));
}

/**
 * Reads the retention clock and stores it if it has advanced enough or the retention has changed.
 *
 * @param follow returns the retention that applies from now on, given the one until now
 */
export async function keepRetentionClock(
  postgres: Postgres,
  follow?: (kept: KeptClock) => KeptClock["retention"],
): Promise<KeptClock> {
  const before = await readKept(postgres);
  const now = goOn(before);
  // A new database has no earlier retention that could be unknown.
  const untold = before ? before.retention : null;
  const kept = { ...now, retention: follow ? follow(now) : untold };
  const isSame = JSON.stringify(kept.retention) === JSON.stringify(before?.retention);
  if (!isSame || isWorthKeeping(before, kept)) {
    await postgres.run([`COMMENT ON ROLE ikigai IS ${quoteText(PREFIX + JSON.stringify(kept))}`]);
  }
  return kept;
}

function goOn(before: KeptClock | undefined): KeptClock {
  return { ...advance(before, read()), retention: before?.retention };
}

async function readKept(postgres: Postgres): Promise<KeptClock | undefined> {
  const [row] = await postgres.read<{ comment: string | null }>(
    "SELECT shobj_description(oid, 'pg_authid') AS comment FROM pg_roles WHERE rolname = 'ikigai'",
  );
  return parse(row?.comment ?? null);
}

function read(): Reading {
  const boot = readIfThere("/proc/sys/kernel/random/boot_id")?.toString().trim() ?? "";
  return { boot, uptime: os.uptime() * 1_000, clock: Date.now() };
}

function parse(comment: string | null): KeptClock | undefined {
  if (!comment?.startsWith(PREFIX)) return undefined;
  try {
    const value = JSON.parse(comment.slice(PREFIX.length)) as KeptClock;
    const numbers = [value.at, value.clock, value.uptime];
    return numbers.every(Number.isFinite) && typeof value.boot === "string" ? value : undefined;
  } catch {
    return undefined;
  }
}
