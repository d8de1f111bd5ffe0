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
  /** What approvals and seals call the project. */
  readonly identity: string;
  readonly main: () => Worktree | undefined;
  /** The branch holds what is ours: everything that was generated has to be made again. */
  readonly planted: () => void;
  readonly journal: (line: string) => void;
}

/** Between two looks that were caused by changes; the first is not waited for. */
const PAUSE_MS = 20;
/** Whoever removes everything has not stopped for so long. */
const QUIET_MS = 1_000;
/** Where the system gives no watches, this is all there is. */
const LOOK_MS = 5_000;
/** Where it does, a look without any reason can wait. */
const WATCHED_LOOK_MS = 60_000;

/**
 * Keeps what ikigai itself runs as the package has it. In an ordinary clone `.ikigai` lies within
 * git's reach, and a checkout may put a branch's files over it. Returns the way to end it.
 */
export function guardControls(guarded: GuardOptions): () => void {
  const { layout, identity, journal } = guarded;
  let timer: NodeJS.Timeout | undefined;
  let again = false;
  // Somebody may be removing all of it; what has gone is put back by the regular look.
  const look = (which: "all" | "changed" = "changed") => {
    again = false;
    clearTimeout(timer);
    timer = setTimeout(() => {
      timer = undefined;
      if (again) look();
    }, PAUSE_MS);
    // Nothing is made anew in a place that the project has left.
    if (!statIfThere(layout.ikigai)) return;
    attempt(journal, () => {
      for (const line of restoreControls(layout, identity, which)) journal(line);
    });
    judging();
  };
  const judging = logErrors(() => judge(guarded), journal);
  let noticedAt = Number.NEGATIVE_INFINITY;
  const noticed = () => {
    noticedAt = performance.now();
    if (timer === undefined) look();
    else again = true;
  };
  const watches = [
    ...controlDirectories(packageFile("controls"), layout),
    layout.httpd,
    // The index says what a branch holds, and is written last.
    guarded.commonDir,
  ].map((path) => new DirectoryWatch(path, noticed));
  let lookedAt = performance.now();
  const lookRegularly = () => {
    const now = performance.now();
    // Each is asked: one that was exchanged is watched anew.
    const isWatched = watches.map((watch) => watch.renew()).every(Boolean);
    const isDue = !isWatched || noticedAt > lookedAt || now - lookedAt > WATCHED_LOOK_MS;
    if (!isDue || now - noticedAt < QUIET_MS) return;
    lookedAt = now;
    look("all");
  };
  const endLooks = setCoalescedInterval(LOOK_MS, lookRegularly, journal);
  look("all");
  return () => {
    clearTimeout(timer);
    endLooks();
    for (const watch of watches) watch.close();
  };
}

const judged = new Map<string, boolean>();

async function judge({ layout, identity, main, planted, journal }: GuardOptions): Promise<void> {
  const worktree = main();
  if (!worktree) return;
  const files = await trackedIkigaiFiles(layout, worktree).catch(() => []);
  const before = judged.get(layout.root) ?? false;
  judged.set(layout.root, files.length > 0);
  if (before === files.length > 0) return;
  if (!before) journal(`the branch of ${worktree.slug} holds ${files.slice(0, 5).join(", ")}`);
  attempt(journal, () => {
    quarantineTracked(layout, files);
    restoreControls(layout, identity);
  });
  planted();
}

/** All of it may have been deleted, or be a file by now. */
function attempt(journal: (line: string) => void, mend: () => void): void {
  try {
    mend();
  } catch (error) {
    journal(`could not look after ikigai's own files: ${String(error)}`);
  }
}
