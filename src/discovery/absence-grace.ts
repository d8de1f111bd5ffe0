/**
 * Remembers since when a worktree's directory has been away. `git worktree move`
 * renames the directory before it writes down where it is now, and one look that
 * finds nothing is no reason to take anything away.
 */
export class AbsenceGrace {
  readonly #since = new Map<string, number>();
  readonly #patience: number;
  readonly #now: () => number;

  constructor(patience: number = AWAY_MS, now: () => number = () => performance.now()) {
    this.#patience = patience;
    this.#now = now;
  }

  /** Told of each sight of a worktree; true once it has been away for long enough to be gone. */
  isGone(identity: string, away: boolean): boolean {
    if (!away) {
      this.#since.delete(identity);
      return false;
    }
    const since = this.#since.get(identity) ?? this.#now();
    this.#since.set(identity, since);
    return this.#now() - since >= this.#patience;
  }
}

/** Long enough for git to move a directory, short enough to be noticed within a second. */
export const AWAY_MS = 250;
