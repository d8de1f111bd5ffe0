import { findOrphans, type Orphan, signalOrphan } from "../../host/runit/orphaned-groups.ts";
import { setCoalescedInterval } from "../../host/timers/interval.ts";
import type { Layout } from "../../model/layout.ts";

const INTERVAL_MS = 5_000;

/**
 * Ends processes left behind by services whose runsv or leading process was killed; otherwise a second
 * copy would keep running beside the next one. Acts only on processes found twice in a row, because the
 * next run script may be about to end them itself. Sends SIGTERM, then SIGKILL. Returns a function that
 * stops it.
 */
export function reapOrphans(layout: Layout, journal: (line: string) => void): () => void {
  /** How many times in a row each was found. */
  let found = new Map<string, number>();
  const reap = () => {
    const before = found;
    found = new Map();
    for (const orphan of findOrphans(layout)) {
      const times = (before.get(nameOf(orphan)) ?? 0) + 1;
      found.set(nameOf(orphan), times);
      if (times === 2) journal(`end process ${orphan.pid}, left behind by ${orphan.key}`);
      if (times > 1) signalOrphan(orphan, times > 2 ? "SIGKILL" : "SIGTERM");
    }
  };
  return setCoalescedInterval(INTERVAL_MS, reap, journal);
}

function nameOf({ pid, started }: Orphan): string {
  return `${pid} ${started}`;
}
