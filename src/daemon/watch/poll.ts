import { onBeat } from "../../host/timers/coalesced-timeout.ts";
import { carefully } from "../../host/timers/interval.ts";
import type { Journal } from "../../model/journal.ts";
import type { Keeper } from "../reconciler/reconciler.ts";
import { type Changes, changesSince, type Glance, glance, hasStirred } from "./change-poll.ts";
import { PlacesWatch } from "./parent-directories.ts";

const SHORTEST_MS = 500;
/** Where it is heard of what comes and goes. */
const WATCHED_MS = 1_000;
/** `rm -rf` makes many events; and whoever adds a worktree is done by then, and not slowed. */
const SWARM_MS = 200;
/** For a look at the places that hold worktrees, and for one at each worktree's own top. */
const MS_PER_PLACE = 3;
const MS_PER_WORKTREE = 20;
const FULL_LOOK_MS = 30_000;
/** A worktree that is in line costs a quarter of a millisecond: 0.05 % of a core at most. */
const FULL_LOOK_MS_PER_WORKTREE = 600;

/**
 * Glances every second or half of it (at the tops of very many worktrees less often), and looks
 * where something changed, where something failed, and everywhere every half minute (every ten among a thousand worktrees):
 * what a watcher missed is found all the same. Returns the way to end it.
 *
 * @param settled told once, when all is in line for the first time
 */
export function glanceRegularly(
  keeper: Keeper,
  commonDir: string,
  settled: () => void,
  journal: Journal,
): () => void {
  let before: Glance = glance(commonDir, keeper.worktrees);
  let isSettled = false;
  let isCalm = false;
  const pauseUntilFull = () =>
    Math.max(FULL_LOOK_MS, keeper.worktrees.length * FULL_LOOK_MS_PER_WORKTREE);
  let nextFull = performance.now() + pauseUntilFull();
  let nextTops = 0;
  let giveUp = () => {};
  let lastTick = 0;
  let hurried: NodeJS.Timeout | undefined;
  const run = () => {
    hurried = undefined;
    lastTick = performance.now();
    tick();
  };
  // Others may be writing in such a place all the time.
  const watch = new PlacesWatch(() => {
    hurried ??= setTimeout(run, Math.max(SWARM_MS, lastTick + SHORTEST_MS - performance.now()));
  });
  const next = () => {
    const isWatched = watch.watch([...before.places.keys()]);
    const pause = isWatched && isCalm ? WATCHED_MS : SHORTEST_MS;
    giveUp = onBeat(Math.max(pause, before.places.size * MS_PER_PLACE), () => {
      run();
      next();
    });
  };
  const everywhere = async () => {
    nextFull = performance.now() + FULL_LOOK_MS;
    await keeper.lookEverywhere();
    nextFull = performance.now() + pauseUntilFull();
  };
  const tick = carefully(() => {
    if (!isSettled && keeper.isSettled()) {
      isSettled = true;
      settled();
    }
    keeper.retryDatabase();
    const wantsRetry = keeper.wantsRetry();
    isCalm = isSettled && !wantsRetry;
    if (performance.now() > nextFull || wantsRetry) {
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
  return () => {
    giveUp();
    clearTimeout(hurried);
    watch.end();
  };
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
