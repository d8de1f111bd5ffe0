import { DirectoryWatch } from "../../host/fs/directory-watch.ts";

/** A limit, because each uses one of the user's inotify watches (inotify(7), "Limits"). */
const MOST = 16;

/** Watches the parent directories of worktrees: deleting or moving a worktree leaves no trace elsewhere. */
export class ParentDirectoriesWatch {
  readonly #watches = new Map<string, DirectoryWatch>();
  readonly #noticed: () => void;

  constructor(noticed: () => void) {
    this.#noticed = noticed;
  }

  /**
   * Replaces the set of watched directories, and renews watches of replaced ones.
   *
   * @param places paths in latin1
   * @returns whether all of them (at most 16) are watched now
   */
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
