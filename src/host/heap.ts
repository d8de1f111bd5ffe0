import v8 from "node:v8";
import vm from "node:vm";

const EVERY_MS = 5_000;
const WORTH = 12 * 1_048_576;
const QUIET = 4 * 1_048_576;

/**
 * A process at rest collects no garbage, so that what a look at a thousand
 * worktrees left would stay in memory until the next one. Collected in the first
 * quiet moment after it, for which V8 has to be told that we may ask
 * (node(1), --expose-gc). Returns the way to end it.
 */
export function tidyWhenQuiet(): () => void {
  v8.setFlagsFromString("--expose-gc");
  const collect: unknown = vm.runInNewContext("gc");
  if (typeof collect !== "function") return () => {};
  let floor = 0;
  let before = Number.POSITIVE_INFINITY;
  const timer = setInterval(() => {
    const used = usedHeap();
    if (used - floor > WORTH && Math.abs(used - before) < QUIET) {
      collect();
      floor = usedHeap();
    }
    before = used;
  }, EVERY_MS);
  return () => clearInterval(timer);
}

function usedHeap(): number {
  return v8.getHeapStatistics().used_heap_size;
}
