import { type FSWatcher, watch } from "node:fs";
import { joinRaw, listIfThere, lstatIfThere } from "../../host/fs/files.ts";
import { logErrors } from "../../host/timers/interval.ts";

/**
 * Told of the administrative directory that something happened to, and of the time (of
 * `performance.now()`) at which the last of it was heard; undefined when it may concern all.
 */
export type OnChange = (gitDir: Buffer | undefined, heard: number) => void;

/** Files of a worktree's administrative directory whose change may change what its top holds. */
const TELLING = new Set(["HEAD", "index", "gitdir", "locked", "ORIG_HEAD"]);

/** Events come in swarms: told when it has been quiet for this long, or after the other at most. */
const QUIET_MS = 50;
const LONGEST_MS = 400;

/**
 * Watches git's common directory, where every change of a worktree leaves a trace:
 * one watch for it, one for `worktrees`, and one for each directory in there.
 * Files are not watched by themselves: git replaces them. Returns the way to end it.
 * `failed` is told when the system gives no watches (inotify(7), "Limits"):
 * looking every few seconds is then all there is.
 */
export function watchGitDirectory(
  commonDir: string,
  noticed: OnChange,
  failed: (error: unknown) => void,
  journal: (line: string) => void,
): () => void {
  const common = Buffer.from(commonDir);
  const list = joinRaw(common, "worktrees");
  const swarm = new Debouncer(logErrors(noticed, journal));
  const watches = new Watches(failed, journal);
  const openOne = (name: Buffer) => {
    const gitDir = joinRaw(list, name);
    watches.open(gitDir, (file) => {
      if (TELLING.has(file.toString())) swarm.add(gitDir);
    });
  };
  const openList = () => {
    watches.open(list, (name) => {
      // Its directory may be another one now, which the old watch knows nothing of.
      openOne(name);
      swarm.add(joinRaw(list, name));
    });
    for (const name of listIfThere(list)) openOne(name);
  };
  watches.open(common, (file) => {
    const name = file.toString();
    if (name === "worktrees") {
      openList();
      swarm.add(undefined);
    } else if (name === "config") swarm.add(undefined);
    else if (TELLING.has(name)) swarm.add(common);
  });
  openList();
  return () => {
    swarm.end();
    watches.end();
  };
}

/** Directories that are watched, by their paths. One that is not there is not watched. */
class Watches {
  readonly #open = new Map<string, FSWatcher>();
  readonly #failed: (error: unknown) => void;
  readonly #journal: (line: string) => void;
  #hasFailed = false;

  constructor(failed: (error: unknown) => void, journal: (line: string) => void) {
    this.#failed = failed;
    this.#journal = journal;
  }

  /** `told` hears the name in the directory that something happened to. */
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

/** Tells of each directory once for many events. */
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
