import { type Changes, changesSince, type Glance, glance, hasStirred } from "../facts/glance.ts";
import { carefully } from "../host/every.ts";
import type { Journal, Keeper } from "./keeper.ts";

const SHORTEST_MS = 500;
/** For a look at the places that hold worktrees, and for one at each worktree's own top. */
const MS_PER_PLACE = 3;
const MS_PER_WORKTREE = 10;
const FULL_LOOK_MS = 60_000;
/** A look at everything may take this part of the daemon's time, however many worktrees there are. */
const SHARE = 1_000;
/** One that had to wait for something else says nothing of what a look costs. */
const LONGEST_MS = 600_000;

/**
 * Glances every half second (at the tops of very many worktrees less often), and looks
 * where something changed, where something failed, and everywhere every minute or few:
 * what a watcher missed is found all the same. Returns the way to end it.
 *
 * @param lookedMs how long the look at everything took that was just done
 * @param settled told once, when all is in line for the first time
 */
export function glanceRegularly(
  keeper: Keeper,
  commonDir: string,
  lookedMs: number,
  settled: () => void,
  journal: Journal,
): () => void {
  let before: Glance = glance(commonDir, keeper.worktrees);
  let isSettled = false;
  const pauseAfter = (took: number) => Math.min(FULL_LOOK_MS + took * SHARE, LONGEST_MS);
  let nextFull = performance.now() + pauseAfter(lookedMs);
  let nextTops = 0;
  let timer: NodeJS.Timeout;
  const next = () => {
    const pause = Math.max(SHORTEST_MS, before.places.size * MS_PER_PLACE);
    timer = setTimeout(() => {
      tick();
      next();
    }, pause);
  };
  const everywhere = async () => {
    const began = performance.now();
    nextFull = began + FULL_LOOK_MS;
    await keeper.lookEverywhere();
    nextFull = began + pauseAfter(performance.now() - began);
  };
  const tick = carefully(() => {
    if (!isSettled && keeper.isSettled()) {
      isSettled = true;
      settled();
    }
    if (performance.now() > nextFull || keeper.wantsRetry()) {
      void everywhere().catch(() => {});
    } else if (performance.now() > nextTops || hasStirred(commonDir, before)) {
      const now = glance(commonDir, keeper.worktrees, before);
      const changes = changesSince(before, now);
      before = now;
      nextTops = performance.now() + keeper.worktrees.length * MS_PER_WORKTREE;
      if (changes.all) void everywhere().catch(() => {});
      else lookWhere(keeper, commonDir, changes);
    }
  }, journal);
  next();
  return () => clearTimeout(timer);
}

/** Where the hook or the watcher was quicker there is nothing left to see. */
function lookWhere(keeper: Keeper, commonDir: string, { names, tops }: Changes): void {
  const look = (slug: string | undefined) => {
    if (slug !== undefined) void keeper.lookAt(slug).catch(() => {});
  };
  for (const name of names) {
    const gitDir = Buffer.from(
      `${Buffer.from(commonDir).toString("latin1")}/worktrees/${name}`,
      "latin1",
    );
    const slug = keeper.slugOfGitDir(gitDir);
    if (slug === undefined) look(keeper.knownAt(gitDir));
    else if (keeper.find(slug) === undefined) look(slug);
  }
  for (const [slug, changed] of tops) {
    if (changed === undefined || !keeper.lookedSince(slug, changed)) look(slug);
  }
}
