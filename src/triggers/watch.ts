import { sep } from "node:path";
import { watch as chokidar } from "chokidar";

/** What a change of a file of git's may be about: one worktree by git's name, or any. */
export type Noticed = (name: string | undefined) => void;

/** Files of a worktree's administrative directory whose change may change what its top holds. */
const TELLING = new Set(["HEAD", "index", "gitdir", "locked", "ORIG_HEAD"]);

/**
 * Watches git's common directory, where every change of a worktree leaves a trace.
 * Depth 2, since a watch on `worktrees` itself misses the first and the last one.
 * Returns the way to end it. `failed` is told when the system gives no watches
 * (inotify(7), "Limits"): looking every few seconds is then all there is.
 */
export function watchRepository(
  commonDir: string,
  noticed: Noticed,
  failed: (error: unknown) => void,
): () => Promise<void> {
  const watcher = chokidar(commonDir, {
    depth: 2,
    ignoreInitial: true,
    persistent: true,
    followSymlinks: false,
    ignored: (path) => !concerns(path.slice(commonDir.length + 1)),
  });
  watcher.on("all", (_, path) => {
    const [first, name] = path.slice(commonDir.length + 1).split(sep);
    noticed(first === "worktrees" ? name : undefined);
  });
  watcher.on("error", failed);
  return () => watcher.close();
}

/** Whether a path below the common directory can tell about worktrees. */
function concerns(path: string): boolean {
  const [first = "", name, file] = path.split(sep);
  if (first === "") return true;
  if (first === "worktrees") return name === undefined || file === undefined || TELLING.has(file);
  return name === undefined && (TELLING.has(first) || first === "config");
}
