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
/** The interval while parent directories are watched. */
const WATCHED_MS = 1_000;
/**
 * The delay after an event: collects the many events of `rm -rf`, and lets `git worktree add` finish first.
 */
const BURST_MS = 200;
/** The interval per parent directory, and per top directory of a worktree. */
const MS_PER_PLACE = 3;
const MS_PER_WORKTREE = 20;
const FULL_INTERVAL_MS = 30_000;
/** Reconciling an unchanged worktree takes 0.25 ms, so this uses at most 0.05 % of a core. */
const FULL_INTERVAL_MS_PER_WORKTREE = 600;

/**
 * Polls for changes that the watches missed: compares mtimes once or twice a second (top directories of
 * very many worktrees less often), reconciles what changed or failed, and reconciles everything every
 * 30 s (with a thousand worktrees every 10 min). Returns a function that stops it.
 *
 * @param settled called once, when every worktree has its schema for the first time
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
    Math.max(FULL_INTERVAL_MS, reconciler.worktrees.length * FULL_INTERVAL_MS_PER_WORKTREE);
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
  // Rate-limited: other programs may be writing in a parent directory all the time.
  const watch = new ParentDirectoriesWatch(() => {
    hurried ??= setTimeout(run, Math.max(BURST_MS, lastTick + SHORTEST_MS - performance.now()));
  });
  const next = () => {
    const isWatched = watch.watch([...before.places.keys()]);
    const pause = isWatched && isCalm ? WATCHED_MS : SHORTEST_MS;
    giveUp = setCoalescedTimeout(Math.max(pause, before.places.size * MS_PER_PLACE), () => {
      run();
      next();
    });
  };
  const reconcileAll = async () => {
    nextFull = performance.now() + FULL_INTERVAL_MS;
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
      void reconcileAll().catch(() => {});
    } else if (performance.now() > nextTops || hasChanged(commonDir, before)) {
      const now = takeSnapshot(commonDir, reconciler.worktrees, before);
      const changes = changesSince(before, now);
      before = now;
      nextTops = performance.now() + reconciler.worktrees.length * MS_PER_WORKTREE;
      if (changes.all) void reconcileAll().catch(() => {});
      else reconcileChanged(reconciler, commonDir, changes);
    }
  }, journal);
  next();
  return () => {
    giveUp();
    clearTimeout(hurried);
    watch.end();
  };
}

/** Reconciles the changed worktrees, unless the hook or a watch already has. */
function reconcileChanged(
  reconciler: Reconciler,
  commonDir: string,
  { names, tops }: Changes,
): void {
  const request = (slug: string | undefined) => {
    if (slug !== undefined) void reconciler.reconcile(slug).catch(() => {});
  };
  for (const name of names) {
    const gitDir = Buffer.from(
      `${Buffer.from(commonDir).toString("latin1")}/worktrees/${name}`,
      "latin1",
    );
    const slug = reconciler.slugOfGitDir(gitDir);
    if (slug === undefined) request(reconciler.slugOfKnownGitDir(gitDir));
    else if (reconciler.find(slug) === undefined) request(slug);
  }
  for (const [slug, changed] of tops) {
    if (changed === undefined || !reconciler.reconciledSince(slug, changed)) request(slug);
  }
}
