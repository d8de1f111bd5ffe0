import { trackedIkigaiFiles } from "../../discovery/tracked-ikigai-files.ts";
import { DirectoryWatch } from "../../host/fs/directory-watch.ts";
import { statIfThere } from "../../host/fs/files.ts";
import { quarantineTracked, restoreControls } from "../../host/project/control-repair.ts";
import { controlDirectories } from "../../host/project/controls.ts";
import { packageFile } from "../../host/project/package-file.ts";
import { logErrors, setCoalescedInterval } from "../../host/timers/interval.ts";
import type { Layout } from "../../model/layout.ts";
import type { Worktree } from "../../model/worktree.ts";

export interface GuardOptions {
  readonly layout: Layout;
  readonly commonDir: string;
  /** The project's identity in approvals and baselines. */
  readonly identity: string;
  readonly main: () => Worktree | undefined;
  /** Called when a branch tracks files of `.ikigai`: everything generated has to be written again. */
  readonly planted: () => void;
  readonly journal: (line: string) => void;
}

/** The minimum interval between checks caused by changes; the first runs at once. */
const PAUSE_MS = 20;
/** The quiet time before missing files are restored, so that a running `rm -rf .ikigai` can finish. */
const QUIET_MS = 1_000;
/** The interval of regular checks while directories cannot be watched. */
const INTERVAL_MS = 5_000;
/** The interval of regular checks while they are watched. */
const WATCHED_INTERVAL_MS = 60_000;

/**
 * Restores the files that ikigai itself runs whenever they differ from the package's. In an ordinary
 * clone `.ikigai` is inside the worktree, where a checkout may overwrite it with a branch's files.
 * Returns a function that stops it.
 */
export function guardControls(guarded: GuardOptions): () => void {
  const { layout, identity, journal } = guarded;
  let timer: NodeJS.Timeout | undefined;
  let again = false;
  // Restore only changed files here: `rm -rf` may be running, so missing ones wait for the regular check.
  const check = (which: "all" | "changed" = "changed") => {
    again = false;
    clearTimeout(timer);
    timer = setTimeout(() => {
      timer = undefined;
      if (again) check();
    }, PAUSE_MS);
    // Nothing is made anew in a place that the project has left.
    if (!statIfThere(layout.ikigai)) return;
    attempt(journal, () => {
      for (const line of restoreControls(layout, identity, which)) journal(line);
    });
    checkBranch();
  };
  const checkBranch = logErrors(() => judge(guarded), journal);
  let noticedAt = Number.NEGATIVE_INFINITY;
  const noticed = () => {
    noticedAt = performance.now();
    if (timer === undefined) check();
    else again = true;
  };
  const watches = [
    ...controlDirectories(packageFile("controls"), layout),
    layout.httpd,
    // A checkout writes the index last, and it lists what the branch tracks.
    guarded.commonDir,
  ].map((path) => new DirectoryWatch(path, noticed));
  let checkedAt = performance.now();
  const checkRegularly = () => {
    const now = performance.now();
    // Renew every watch (no short circuit): a replaced directory needs a new one.
    const isWatched = watches.map((watch) => watch.renew()).every(Boolean);
    const isDue = !isWatched || noticedAt > checkedAt || now - checkedAt > WATCHED_INTERVAL_MS;
    if (!isDue || now - noticedAt < QUIET_MS) return;
    checkedAt = now;
    check("all");
  };
  const stopChecks = setCoalescedInterval(INTERVAL_MS, checkRegularly, journal);
  check("all");
  return () => {
    clearTimeout(timer);
    stopChecks();
    for (const watch of watches) watch.close();
  };
}

const wasTracked = new Map<string, boolean>();

async function judge({ layout, identity, main, planted, journal }: GuardOptions): Promise<void> {
  const worktree = main();
  if (!worktree) return;
  const files = await trackedIkigaiFiles(layout, worktree).catch(() => []);
  const before = wasTracked.get(layout.root) ?? false;
  wasTracked.set(layout.root, files.length > 0);
  if (before === files.length > 0) return;
  if (!before) journal(`the branch of ${worktree.slug} tracks ${files.slice(0, 5).join(", ")}`);
  attempt(journal, () => {
    quarantineTracked(layout, files);
    restoreControls(layout, identity);
  });
  planted();
}

/** Logs errors instead of throwing: `.ikigai` may be deleted, or be a file by now. */
function attempt(journal: (line: string) => void, restore: () => void): void {
  try {
    restore();
  } catch (error) {
    journal(`cannot restore ikigai's own files: ${String(error)}`);
  }
}
