import { DirectoryWatch } from "../../host/fs/directory-watch.ts";

/** Each takes a watch of the user's (inotify(7), "Limits"). */
const MOST = 16;

/** Watches the directories that hold worktrees: one that is deleted or moved away shows nowhere else. */
export class ParentDirectoriesWatch {
  readonly #watches = new Map<string, DirectoryWatch>();
  readonly #noticed: () => void;

  constructor(noticed: () => void) {
    this.#noticed = noticed;
  }

  /** @param places paths with one character a byte. @returns whether all of them are watched now */
  watch(places: readonly string[]): boolean {
    for (const [place, watch] of this.#watches) {
      if (places.includes(place)) continue;
      watch.close();
      this.#watches.delete(place);
    }
    return places
      .slice(0, MOST)
      .map((place) => this.#isWatched(place))
      .every(Boolean);
  }

  end(): void {
    this.watch([]);
  }

  #isWatched(place: string): boolean {
    const known = this.#watches.get(place);
    if (known) return known.renew();
    const path = Buffer.from(place, "latin1").toString();
    this.#watches.set(place, new DirectoryWatch(path, this.#noticed));
    return true;
  }
}
