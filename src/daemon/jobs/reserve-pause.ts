const FIRST_MS = 60_000;
const LONGEST_MS = 10 * 60_000;

/**
 * Puts off what has brought nothing: rows that cannot be proven, as somebody's old snapshot still sees others,
 * would be copied again at each look. Over as soon as somebody writes to the base.
 */
export class ReservePause {
  #print = "";
  #length = 0;
  #until = Number.NEGATIVE_INFINITY;

  /** @param print of the bases as they are now (`readPrint`) */
  holds(print: string, now: number): boolean {
    return print === this.#print && now < this.#until;
  }

  /** Takes in what keeping came to; the pause is longer each time that it came to nothing. */
  record(print: string, unproven: readonly string[], now: number): void {
    const again = print === this.#print && this.#length > 0;
    this.#print = print;
    if (unproven.length === 0) this.#length = 0;
    else this.#length = again ? Math.min(this.#length * 2, LONGEST_MS) : FIRST_MS * 2;
    this.#until = this.#length > 0 ? now + this.#length : Number.NEGATIVE_INFINITY;
  }
}
