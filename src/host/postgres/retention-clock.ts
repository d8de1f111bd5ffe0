import os from "node:os";
import {
  advance,
  isWorthKeeping,
  type Reading,
  type RetentionClock,
} from "../../model/retention-clock.ts";
import { readIfThere } from "../files.ts";
import type { Postgres } from "./client.ts";
import { quoteText } from "./quote.ts";

const PREFIX = "ikigai:clock ";

/** The retention clock as it stands now. It is kept with the data, in the comment of their owner. */
export async function readRetentionClock(postgres: Postgres): Promise<RetentionClock> {
  const [row] = await postgres.query<{ comment: string | null }>(
    "SELECT shobj_description(oid, 'pg_authid') AS comment FROM pg_roles WHERE rolname = 'ikigai'",
  );
  const before = parse(row?.comment ?? null);
  const now = advance(before, read());
  if (isWorthKeeping(before, now)) {
    await postgres.run([`COMMENT ON ROLE ikigai IS ${quoteText(PREFIX + JSON.stringify(now))}`]);
  }
  return now;
}

function read(): Reading {
  const boot = readIfThere("/proc/sys/kernel/random/boot_id")?.toString().trim() ?? "";
  return { boot, uptime: os.uptime() * 1_000, clock: Date.now() };
}

function parse(comment: string | null): RetentionClock | undefined {
  if (!comment?.startsWith(PREFIX)) return undefined;
  try {
    const value = JSON.parse(comment.slice(PREFIX.length)) as RetentionClock;
    const numbers = [value.at, value.clock, value.uptime];
    return numbers.every(Number.isFinite) && typeof value.boot === "string" ? value : undefined;
  } catch {
    return undefined;
  }
}
