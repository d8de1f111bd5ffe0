import { watch as watchDirectory } from "node:fs";
import { basename } from "node:path";
import { watch as watchFiles } from "chokidar";
import { CONFIGURATION_FILES } from "../facts/configuration.ts";
import { every } from "../host/every.ts";
import { lstatIfThere } from "../host/files.ts";

const NAMES = new Set(CONFIGURATION_FILES);
/** An editor that saves a file causes several events. */
const QUIET_MS = 20;
/** Where the system gives no watches. */
const LOOK_MS = 2_000;

/**
 * Tells when a configuration file comes, changes or goes: in the default worktree, and in the
 * project's own directory where that is another one. Returns the way to end it.
 *
 * @param top the default worktree, if there is one
 * @param degraded told once when the system gives no watches, and files are looked at regularly instead
 */
export function watchConfiguration(
  root: string,
  top: string | undefined,
  changed: () => void,
  degraded: (error: unknown) => void,
  journal: (line: string) => void,
): () => Promise<void> {
  const closes: (() => unknown)[] = [];
  const directories = [...new Set(top === undefined ? [root] : [root, top])];
  let seen = stampOf(directories);
  let hasFailed = false;
  const look = () => {
    const before = seen;
    seen = stampOf(directories);
    if (seen !== before) changed();
  };
  const failed = (error: unknown) => {
    if (hasFailed) return;
    hasFailed = true;
    degraded(error);
    closes.push(every(LOOK_MS, look, journal));
  };
  if (top !== undefined) {
    const watcher = watchFiles(top, {
      depth: 0,
      ignoreInitial: true,
      followSymlinks: false,
      ignored: (path) => path !== top && !NAMES.has(basename(path)),
    });
    watcher.on("all", changed).on("error", failed);
    closes.push(() => watcher.close());
  }
  if (root !== top) closes.push(watchBesideWorktrees(root, changed, failed));
  return async () => {
    for (const close of closes) await close();
  };
}

/** Another one as soon as a configuration file comes, changes or goes. */
function stampOf(directories: readonly string[]): string {
  return directories
    .flatMap((directory) => CONFIGURATION_FILES.map((name) => lstatIfThere(`${directory}/${name}`)))
    .map((stat) => (stat ? `${stat.ino}:${stat.ctimeNs}` : ""))
    .join();
}

/** Worktrees come and go here by the thousand, and chokidar would list all of them for each. */
function watchBesideWorktrees(
  root: string,
  changed: () => void,
  failed: (error: unknown) => void,
): () => void {
  let timer: NodeJS.Timeout | undefined;
  try {
    const watcher = watchDirectory(root, (_, name) => {
      if (name !== null && !NAMES.has(name)) return;
      clearTimeout(timer);
      timer = setTimeout(changed, QUIET_MS);
    }).on("error", failed);
    return () => {
      clearTimeout(timer);
      watcher.close();
    };
  } catch (error) {
    failed(error);
    return () => {};
  }
}
