/**
 * Remembers since when a worktree's directory has been missing. `git worktree move` renames the directory
 * before it records the new path, so a directory that is missing once is no reason to remove anything.
 */
export class AbsenceGrace {
  readonly #since = new Map<string, number>();
  readonly #patience: number;
  readonly #now: () => number;

  constructor(patience: number = AWAY_MS, now: () => number = () => performance.now()) {
    this.#patience = patience;
    this.#now = now;
  }

  /**
   * Records whether a worktree's directory is missing; true once it has been missing for the grace period.
   */
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

/** Long enough for git to move a directory, short enough that a removal is noticed within a second. */
export const AWAY_MS = 250;
