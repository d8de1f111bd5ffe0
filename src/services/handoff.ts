/** The time from the gate's answer to nginx's connection, with a margin for a stalled machine. */
const ARRIVAL_MS = 500;

/** Remembers services just reported as ready: a request is on its way to them, but not connected yet. */
export class Handoffs {
  /** Times of `performance.now()`. */
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
