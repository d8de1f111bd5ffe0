import { setCoalescedTimeout } from "../../host/timers/coalesced-timeout.ts";
import { logErrors } from "../../host/timers/interval.ts";
import type { Journal } from "../../model/journal.ts";
import type { Reconciler } from "../reconciler/reconciler.ts";
import {
  type Changes,
  changesSince,
  hasChanged,
  type Snapshot,
  takeSnapshot,
} from "./change-poll.ts";
import { ParentDirectoriesWatch } from "./parent-directories.ts";

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
export function pollForChanges(
  reconciler: Reconciler,
  commonDir: string,
  settled: () => void,
  journal: Journal,
): () => void {
  let before: Snapshot = takeSnapshot(commonDir, reconciler.worktrees);
  let isSettled = false;
  let isCalm = false;
  const pauseUntilFull = () =>
    Math.max(FULL_LOOK_MS, reconciler.worktrees.length * FULL_LOOK_MS_PER_WORKTREE);
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
  const watch = new ParentDirectoriesWatch(() => {
    hurried ??= setTimeout(run, Math.max(SWARM_MS, lastTick + SHORTEST_MS - performance.now()));
  });
  const next = () => {
    const isWatched = watch.watch([...before.places.keys()]);
    const pause = isWatched && isCalm ? WATCHED_MS : SHORTEST_MS;
    giveUp = setCoalescedTimeout(Math.max(pause, before.places.size * MS_PER_PLACE), () => {
      run();
      next();
    });
  };
  const everywhere = async () => {
    nextFull = performance.now() + FULL_LOOK_MS;
    await reconciler.reconcileAll();
    nextFull = performance.now() + pauseUntilFull();
  };
  const tick = logErrors(() => {
    if (!isSettled && reconciler.isSettled()) {
      isSettled = true;
      settled();
    }
    reconciler.retryDatabase();
    const wantsRetry = reconciler.isRetryDue();
    isCalm = isSettled && !wantsRetry;
    if (performance.now() > nextFull || wantsRetry) {
      void everywhere().catch(() => {});
    } else if (performance.now() > nextTops || hasChanged(commonDir, before)) {
      const now = takeSnapshot(commonDir, reconciler.worktrees, before);
      const changes = changesSince(before, now);
      before = now;
      nextTops = performance.now() + reconciler.worktrees.length * MS_PER_WORKTREE;
      if (changes.all) void everywhere().catch(() => {});
      else lookWhere(reconciler, commonDir, changes);
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
function lookWhere(reconciler: Reconciler, commonDir: string, { names, tops }: Changes): void {
  const look = (slug: string | undefined) => {
    if (slug !== undefined) void reconciler.reconcile(slug).catch(() => {});
  };
  for (const name of names) {
    const gitDir = Buffer.from(
      `${Buffer.from(commonDir).toString("latin1")}/worktrees/${name}`,
      "latin1",
    );
    const slug = reconciler.slugOfGitDir(gitDir);
    if (slug === undefined) look(reconciler.slugOfKnownGitDir(gitDir));
    else if (reconciler.find(slug) === undefined) look(slug);
  }
  for (const [slug, changed] of tops) {
    if (changed === undefined || !reconciler.reconciledSince(slug, changed)) look(slug);
  }
}
