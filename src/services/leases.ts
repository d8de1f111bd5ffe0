/** Who holds which services up. A lease ends with the connection that it was given to. */
export class Leases {
  readonly #held = new Map<string, number>();
  readonly #ended: (key: string) => void;

  /** `ended` is told of every service that nobody holds any more. */
  constructor(ended: (key: string) => void) {
    this.#ended = ended;
  }

  has(key: string): boolean {
    return this.#held.has(key);
  }

  /** Holds services until the signal; each of many holders counts. */
  hold(keys: readonly string[], until: AbortSignal): void {
    if (until.aborted) return;
    for (const key of keys) this.#held.set(key, (this.#held.get(key) ?? 0) + 1);
    until.addEventListener("abort", () => this.#letGo(keys), { once: true });
  }

  #letGo(keys: readonly string[]): void {
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
