import { findOrphans, type Orphan, signalOrphan } from "../../host/runit/orphaned-groups.ts";
import { setCoalescedInterval } from "../../host/timers/interval.ts";
import type { Layout } from "../../model/layout.ts";

const LOOK_MS = 5_000;

/**
 * Ends what services left behind whose runsv or whose leading process was killed: a second copy
 * would run beside the next one for good. Only what is found twice, as the next run script may be
 * about to end it itself. Asked first, then forced. Returns the way to end it.
 */
export function reapOrphans(layout: Layout, journal: (line: string) => void): () => void {
  /** How often each was found, one look after the other. */
  let found = new Map<string, number>();
  const look = () => {
    const before = found;
    found = new Map();
    for (const orphan of findOrphans(layout)) {
      const times = (before.get(nameOf(orphan)) ?? 0) + 1;
      found.set(nameOf(orphan), times);
      if (times === 2) journal(`end process ${orphan.pid}: ${orphan.key} left it behind`);
      if (times > 1) signalOrphan(orphan, times > 2 ? "SIGKILL" : "SIGTERM");
    }
  };
  return setCoalescedInterval(LOOK_MS, look, journal);
}

function nameOf({ pid, started }: Orphan): string {
  return `${pid} ${started}`;
}
