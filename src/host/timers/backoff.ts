/** When to try again what fails: soon at first, then less often. */
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

  /** True when it is time; the next time is later from then on. */
  isDue(): boolean {
    const now = performance.now();
    if (now < this.#at) return false;
    this.#pause = Math.min(this.#pause * 2, this.#last);
    this.#at = now + this.#pause;
    return true;
  }

  /** Nothing fails any more. */
  reset(): void {
    this.#pause = this.#first;
  }
}
