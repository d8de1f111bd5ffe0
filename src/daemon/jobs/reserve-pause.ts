const FIRST_MS = 60_000;
const LONGEST_MS = 10 * 60_000;

/**
 * Backs off after refreshes that achieved nothing: while an old snapshot still sees other rows, copied
 * rows cannot be proven current and would be copied again each time. Ends as soon as the base is written to.
 */
export class ReservePause {
  #print = "";
  #length = 0;
  #until = Number.NEGATIVE_INFINITY;

  /**
   * Tells whether to wait.
   *
   * @param print the current fingerprint of the bases
   * @param now milliseconds of `performance.now()`
   */
  holds(print: string, now: number): boolean {
    return print === this.#print && now < this.#until;
  }

  /** Records the result of a refresh; the pause doubles each time that tables remain unproven. */
  record(print: string, unproven: readonly string[], now: number): void {
    const again = print === this.#print && this.#length > 0;
    this.#print = print;
    if (unproven.length === 0) this.#length = 0;
    else this.#length = again ? Math.min(this.#length * 2, LONGEST_MS) : FIRST_MS * 2;
    this.#until = this.#length > 0 ? now + this.#length : Number.NEGATIVE_INFINITY;
  }
}
