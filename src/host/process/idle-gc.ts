import v8 from "node:v8";
import vm from "node:vm";
import { setCoalescedInterval } from "../timers/interval.ts";

const EVERY_MS = 3_000;
const WORTH_BYTES = 6 * 1_048_576;
const QUIET_BYTES = 1_048_576;

/**
 * A process at rest hardly collects any garbage, so that what a look at a thousand
 * worktrees left would stay in memory until the next ones. Collected in the first
 * quiet moment after it, for which V8 has to be told that we may ask
 * (node(1), --expose-gc). Returns the way to end it.
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
        // Otherwise pages that hold a little each stay with us.
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

/** What outlived its first moments; the rest comes and goes all the time and says nothing. */
function oldSpace(): number {
  const spaces = v8.getHeapSpaceStatistics();
  return spaces.find(({ space_name }) => space_name === "old_space")?.space_used_size ?? 0;
}
