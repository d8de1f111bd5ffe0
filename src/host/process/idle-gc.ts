import v8 from "node:v8";
import vm from "node:vm";
import { setCoalescedInterval } from "../timers/interval.ts";

const EVERY_MS = 3_000;
const WORTH_BYTES = 6 * 1_048_576;
const QUIET_BYTES = 1_048_576;

/**
 * Collects garbage when the process becomes idle. V8 hardly ever collects in an idle process, so that what a
 * scan of a thousand worktrees left would stay in memory until the next scans. Needs `--expose-gc`, set here
 * at run time (node(1)). Returns a function that stops it.
 */
export function collectGarbageWhenIdle(journal: (line: string) => void): () => void {
  v8.setFlagsFromString("--expose-gc");
  const collect: unknown = vm.runInNewContext("gc");
  if (typeof collect !== "function") return () => {};
  let floor = 0;
  let before = Number.POSITIVE_INFINITY;
  return setCoalescedInterval(
    EVERY_MS,
    () => {
      const used = oldSpace();
      if (used - floor > WORTH_BYTES && Math.abs(used - before) < QUIET_BYTES) {
        // Without compaction, pages that are mostly empty are not returned.
        v8.setFlagsFromString("--compact-on-every-full-gc");
        collect();
        v8.setFlagsFromString("--no-compact-on-every-full-gc");
        floor = oldSpace();
      }
      before = used;
    },
    journal,
  );
}

/** Measures the old generation only: the size of the young one varies all the time and says nothing. */
function oldSpace(): number {
  const spaces = v8.getHeapSpaceStatistics();
  return spaces.find(({ space_name }) => space_name === "old_space")?.space_used_size ?? 0;
}
