import fs from "node:fs";
import { statIfThere } from "./files.ts";

/** A watch of one directory, which tells of it as long as that very directory is there. */
export class DirectoryWatch {
  readonly #path: string;
  readonly #noticed: () => void;
  #watcher: fs.FSWatcher | undefined;
  #watched: string | undefined;

  constructor(path: string, noticed: () => void) {
    this.#path = path;
    this.#noticed = noticed;
    this.renew();
  }

  /** @returns whether the directory that is there was watched up to now */
  renew(): boolean {
    const present = identityOf(this.#path);
    if (this.#watcher && this.#watched === present) return true;
    this.close();
    try {
      this.#watcher = fs.watch(this.#path, { persistent: false }, this.#noticed);
      this.#watcher.on("error", () => this.close());
      this.#watched = present;
    } catch {
      // It is not there, or the system gives no more watches.
    }
    return false;
  }

  close(): void {
    this.#watcher?.close();
    this.#watcher = undefined;
  }
}

/** A number of a directory is given again, its time of birth is not. */
function identityOf(path: string): string | undefined {
  const stat = statIfThere(path);
  return stat && `${stat.dev}:${stat.ino}:${stat.birthtimeNs}`;
}
