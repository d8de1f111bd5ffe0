import { watch as watchDirectory } from "node:fs";
import { basename } from "node:path";
import { watch as watchFiles } from "chokidar";
import { CONFIGURATION_FILES } from "../../discovery/configuration.ts";
import { lstatIfThere } from "../../host/fs/files.ts";
import { setCoalescedInterval } from "../../host/timers/interval.ts";

const NAMES = new Set(CONFIGURATION_FILES);
/** An editor that saves a file causes several events. */
const QUIET_MS = 20;
/** Where the system gives no watches. */
const LOOK_MS = 2_000;

/**
 * Tells when a configuration file comes, changes or goes: in the default worktree, wherever that is
 * by now, and in the project's own directory where that is another one.
 */
export class SettingsWatch {
  readonly #root: string;
  readonly #changed: () => void;
  readonly #failed: (error: unknown) => void;
  readonly #endBeside: () => void;
  #top: string | undefined;
  #stamp: string | undefined;
  #endTop: () => unknown = () => {};
  #endLooks = () => {};

  /** `degraded` is told once when the system gives no watches, and files are looked at regularly instead. */
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
      this.#endLooks = setCoalescedInterval(LOOK_MS, this.#check, journal);
    };
    this.#endBeside = watchBesideWorktrees(root, this.#check, this.#failed);
  }

  /** Told after each look where the default worktree is; what no watch has told of is seen then too. */
  follow(top: string | undefined): void {
    if (top !== this.#top) {
      this.#top = top;
      void this.#endTop();
      this.#endTop = top === undefined || top === this.#root ? () => {} : this.#watch(top);
    }
    // What holds at the start was read by then.
    this.#stamp ??= this.#stampNow();
    this.#check();
  }

  async end(): Promise<void> {
    this.#endBeside();
    this.#endLooks();
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
    // What changed until then it does not tell.
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

/** Another one as soon as a configuration file comes, changes or goes. */
function stampOf(directories: readonly string[]): string {
  return directories
    .flatMap((directory) => CONFIGURATION_FILES.map((name) => lstatIfThere(`${directory}/${name}`)))
    .map((stat) => (stat ? `${stat.dev}:${stat.ino}:${stat.ctimeNs}` : ""))
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
