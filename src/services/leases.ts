/** Counts the leases of services. A lease ends when its connection closes. */
export class Leases {
  readonly #held = new Map<string, number>();
  readonly #ended: (key: string) => void;

  /** @param ended called with the key of a service when its last lease ends */
  constructor(ended: (key: string) => void) {
    this.#ended = ended;
  }

  has(key: string): boolean {
    return this.#held.has(key);
  }

  /** Adds a lease of services that ends with the signal. */
  hold(keys: readonly string[], until: AbortSignal): void {
    if (until.aborted) return;
    for (const key of keys) this.#held.set(key, (this.#held.get(key) ?? 0) + 1);
    until.addEventListener("abort", () => this.#release(keys), { once: true });
  }

  #release(keys: readonly string[]): void {
    for (const key of keys) {
      const left = (this.#held.get(key) ?? 1) - 1;
      if (left > 0) {
        this.#held.set(key, left);
        continue;
      }
      this.#held.delete(key);
      this.#ended(key);
    }
  }
}
