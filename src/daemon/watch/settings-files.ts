import { watch as watchDirectory } from "node:fs";
import { basename } from "node:path";
import { watch as watchFiles } from "chokidar";
import { CONFIGURATION_FILES } from "../../discovery/configuration.ts";
import { lstatIfThere } from "../../host/fs/files.ts";
import { setCoalescedInterval } from "../../host/timers/interval.ts";

const NAMES = new Set(CONFIGURATION_FILES);
/** Saving a file in an editor causes several events. */
const QUIET_MS = 20;
/** The interval of checks if the system grants no watches. */
const INTERVAL_MS = 2_000;

/**
 * Reports created, changed and deleted configuration files in the current default worktree and, if that
 * is another directory, in the project's root.
 */
export class SettingsWatch {
  readonly #root: string;
  readonly #changed: () => void;
  readonly #failed: (error: unknown) => void;
  readonly #endBeside: () => void;
  #top: string | undefined;
  #stamp: string | undefined;
  #endTop: () => unknown = () => {};
  #stopChecks = () => {};

  /** @param degraded called once if the system grants no watches; the files are then checked every 2 s */
  constructor(
    root: string,
    changed: () => void,
    degraded: (error: unknown) => void,
    journal: (line: string) => void,
  ) {
    this.#root = root;
    this.#changed = changed;
    let hasFailed = false;
    this.#failed = (error) => {
      if (hasFailed) return;
      hasFailed = true;
      degraded(error);
      this.#stopChecks = setCoalescedInterval(INTERVAL_MS, this.#check, journal);
    };
    this.#endBeside = watchBesideWorktrees(root, this.#check, this.#failed);
  }

  /**
   * Sets the directory of the default worktree, after each reconcile, and checks for changes the watches
   * missed.
   */
  follow(top: string | undefined): void {
    if (top !== this.#top) {
      this.#top = top;
      void this.#endTop();
      this.#endTop = top === undefined || top === this.#root ? () => {} : this.#watch(top);
    }
    // The settings of the start have been read already.
    this.#stamp ??= this.#stampNow();
    this.#check();
  }

  async end(): Promise<void> {
    this.#endBeside();
    this.#stopChecks();
    await this.#endTop();
  }

  #watch(top: string): () => unknown {
    const watcher = watchFiles(top, {
      depth: 0,
      ignoreInitial: true,
      followSymlinks: false,
      ignored: (path) => path !== top && !NAMES.has(basename(path)),
    });
    watcher.on("all", this.#check).on("error", this.#failed);
    // Changes before `ready` are not reported: check once.
    watcher.once("ready", this.#check);
    return () => watcher.close();
  }

  readonly #check = (): void => {
    const now = this.#stampNow();
    if (this.#stamp === undefined || now === this.#stamp) return;
    this.#stamp = now;
    this.#changed();
  };

  #stampNow(): string {
    return stampOf(this.#top === undefined ? [this.#root] : [this.#root, this.#top]);
  }
}

/** Computes a stamp that differs as soon as a configuration file is created, changed or deleted. */
function stampOf(directories: readonly string[]): string {
  return directories
    .flatMap((directory) => CONFIGURATION_FILES.map((name) => lstatIfThere(`${directory}/${name}`)))
    .map((stat) => (stat ? `${stat.dev}:${stat.ino}:${stat.ctimeNs}` : ""))
    .join();
}

/** Watches the root with fs.watch: chokidar would list it, with maybe a thousand worktrees, at each event. */
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
