import { changedSince, type Glance, glance } from "../facts/glance.ts";
import type { Keeper } from "./keeper.ts";

const SHORTEST_MS = 500;
const MS_PER_WORKTREE = 2;
const FULL_LOOK_MS = 60_000;

/**
 * Glances every half second (less often with very many worktrees), and looks
 * where something changed, where something failed, and everywhere once a minute:
 * what a watcher missed is found all the same. Returns the way to end it.
 *
 * @param settled told once, when all is in line for the first time
 */
export function glanceRegularly(
  keeper: Keeper,
  commonDir: string,
  settled: () => void,
): () => void {
  let before: Glance = glance(commonDir, keeper.worktrees);
  let isSettled = false;
  let lastFull = Date.now();
  let timer: NodeJS.Timeout;
  const next = () => {
    const pause = Math.max(SHORTEST_MS, keeper.worktrees.length * MS_PER_WORKTREE);
    timer = setTimeout(tick, pause);
  };
  const tick = () => {
    if (!isSettled && !keeper.wantsRetry()) {
      isSettled = true;
      settled();
    }
    const now = glance(commonDir, keeper.worktrees);
    const changed = changedSince(before, now);
    before = now;
    const overdue = Date.now() - lastFull > FULL_LOOK_MS;
    if (changed === "all" || overdue || keeper.wantsRetry()) {
      lastFull = Date.now();
      void keeper.lookEverywhere().catch(() => {});
    } else {
      for (const slug of changed) void keeper.lookAt(slug).catch(() => {});
    }
    next();
  };
  next();
  return () => clearTimeout(timer);
}
