import fs from "node:fs";
import { statIfThere } from "./files.ts";

/** Watches one directory; `renew` notices when another one has taken its place. */
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

  /** @returns true if the directory that exists now has been watched without a gap */
  renew(): boolean {
    const present = identityOf(this.#path);
    if (this.#watcher && this.#watched === present) return true;
    this.close();
    try {
      this.#watcher = fs.watch(this.#path, { persistent: false }, this.#noticed);
      this.#watcher.on("error", () => this.close());
      this.#watched = present;
    } catch {
      // The directory does not exist, or the system's limit on watches is reached.
    }
    return false;
  }

  close(): void {
    this.#watcher?.close();
    this.#watcher = undefined;
  }
}

/** Includes the birth time, because inode numbers are reused. */
function identityOf(path: string): string | undefined {
  const stat = statIfThere(path);
  return stat && `${stat.dev}:${stat.ino}:${stat.birthtimeNs}`;
}
