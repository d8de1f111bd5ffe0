/** From the gate's answer to nginx' connection: a stalled machine is given time. */
const ARRIVAL_MS = 500;

/** Which services somebody was just told are up: who asked is on the way to them, and not seen there yet. */
export class Handoffs {
  /** Of `performance.now()`. */
  readonly #at = new Map<string, number>();

  add(key: string): void {
    this.#at.set(key, performance.now());
  }

  has(key: string): boolean {
    const at = this.#at.get(key);
    if (at === undefined) return false;
    if (performance.now() - at < ARRIVAL_MS) return true;
    this.#at.delete(key);
    return false;
  }
}
