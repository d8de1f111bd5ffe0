import { type FSWatcher, watch } from "node:fs";
import { joinRaw, listIfThere, lstatIfThere } from "../../host/fs/files.ts";
import { logErrors } from "../../host/timers/interval.ts";

/**
 * Called when an administrative directory has changed (undefined: any of them may have), with the time
 * of the last event as `performance.now()`.
 */
export type OnChange = (gitDir: Buffer | undefined, heard: number) => void;

/** Files of an administrative directory whose change may mean a change in the worktree. */
const RELEVANT = new Set(["HEAD", "index", "gitdir", "locked", "ORIG_HEAD"]);

/** Events come in bursts: report after this quiet time, or after LONGEST_MS at the latest. */
const QUIET_MS = 50;
const LONGEST_MS = 400;

/**
 * Watches git's common directory, where every change of a worktree leaves a trace: one watch for it, one
 * for `worktrees`, and one for each directory in there. Watches no files, because git replaces them.
 *
 * @param failed called once if the system grants no watches (inotify(7), "Limits"); only polling remains
 * @returns a function that stops it
 */
export function watchGitDirectory(
  commonDir: string,
  noticed: OnChange,
  failed: (error: unknown) => void,
  journal: (line: string) => void,
): () => void {
  const common = Buffer.from(commonDir);
  const list = joinRaw(common, "worktrees");
  const debouncer = new Debouncer(logErrors(noticed, journal));
  const watches = new Watches(failed, journal);
  const openOne = (name: Buffer) => {
    const gitDir = joinRaw(list, name);
    watches.open(gitDir, (file) => {
      if (RELEVANT.has(file.toString())) debouncer.add(gitDir);
    });
  };
  const openList = () => {
    watches.open(list, (name) => {
      // The directory may have been replaced, and the old watch would not see the new one.
      openOne(name);
      debouncer.add(joinRaw(list, name));
    });
    for (const name of listIfThere(list)) openOne(name);
  };
  watches.open(common, (file) => {
    const name = file.toString();
    if (name === "worktrees") {
      openList();
      debouncer.add(undefined);
    } else if (name === "config") debouncer.add(undefined);
    else if (RELEVANT.has(name)) debouncer.add(common);
  });
  openList();
  return () => {
    debouncer.end();
    watches.end();
  };
}

/** Watches of directories, by path; missing directories are skipped. */
class Watches {
  readonly #open = new Map<string, FSWatcher>();
  readonly #failed: (error: unknown) => void;
  readonly #journal: (line: string) => void;
  #hasFailed = false;

  constructor(failed: (error: unknown) => void, journal: (line: string) => void) {
    this.#failed = failed;
    this.#journal = journal;
  }

  /** Watches a directory in place of an earlier watch; `told` gets the name of the entry that changed. */
  open(directory: Buffer, told: (name: Buffer) => void): void {
    const key = directory.toString("latin1");
    this.#close(key);
    if (!lstatIfThere(directory)?.isDirectory()) return;
    try {
      const hear = logErrors(told, this.#journal);
      const watcher = watch(directory, { encoding: "buffer" }, (_, name) => {
        if (name) hear(name);
      });
      watcher.on("error", (error) => {
        this.#close(key);
        this.#fail(error);
      });
      this.#open.set(key, watcher);
    } catch (error) {
      this.#fail(error);
    }
  }

  end(): void {
    for (const key of [...this.#open.keys()]) this.#close(key);
  }

  #close(key: string): void {
    this.#open.get(key)?.close();
    this.#open.delete(key);
  }

  #fail(error: unknown): void {
    if (this.#hasFailed) return;
    this.#hasFailed = true;
    this.#failed(error);
  }
}

/** Reports a burst of events of a directory once. */
class Debouncer {
  readonly #noticed: OnChange;
  readonly #waiting = new Map<string, { readonly first: number; timer: NodeJS.Timeout }>();

  constructor(noticed: OnChange) {
    this.#noticed = noticed;
  }

  add(gitDir: Buffer | undefined): void {
    const key = gitDir?.toString("latin1") ?? "";
    const known = this.#waiting.get(key);
    const now = performance.now();
    const first = known?.first ?? now;
    clearTimeout(known?.timer);
    const pause = Math.min(QUIET_MS, Math.max(0, first + LONGEST_MS - now));
    const timer = setTimeout(() => {
      this.#waiting.delete(key);
      this.#noticed(gitDir, now);
    }, pause);
    this.#waiting.set(key, { first, timer });
  }

  end(): void {
    for (const { timer } of this.#waiting.values()) clearTimeout(timer);
    this.#waiting.clear();
  }
}
