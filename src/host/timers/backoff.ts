/** Decides when to retry what fails: soon at first, then less and less often. */
export class Backoff {
  readonly #first: number;
  readonly #last: number;
  #pause: number;
  #at = Number.NEGATIVE_INFINITY;

  constructor(firstMs: number, lastMs: number) {
    this.#first = firstMs;
    this.#last = lastMs;
    this.#pause = firstMs;
  }

  /** Returns true if it is time to retry, and schedules the next retry later. */
  isDue(): boolean {
    const now = performance.now();
    if (now < this.#at) return false;
    this.#pause = Math.min(this.#pause * 2, this.#last);
    this.#at = now + this.#pause;
    return true;
  }

  /** Starts over after a success. */
  reset(): void {
    this.#pause = this.#first;
  }
}
