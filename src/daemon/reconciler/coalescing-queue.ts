/**
 * Settles after so many milliseconds, or as soon as somebody asks for the same key, who is then served by
 * this run: a job may pause before it looks at anything, and not later.
 */
export type Pause = (milliseconds: number) => Promise<void>;

/**
 * Runs one job a key at a time. A request that comes while its key's job runs is
 * served by one more run after it, together with all others that came meanwhile:
 * a look that began before the request may have missed what it is about.
 */
export class CoalescingQueue<Key> {
  readonly #job: (key: Key, pause: Pause) => Promise<void>;
  readonly #running = new Map<Key, Promise<void>>();
  readonly #waiting = new Map<Key, Promise<void>>();
  /** Ends the pause of a run. */
  readonly #pausing = new Map<Key, () => void>();

  constructor(job: (key: Key, pause: Pause) => Promise<void>) {
    this.#job = job;
  }

  /** Settles when a run that began after this call is over. */
  request(key: Key): Promise<void> {
    const running = this.#running.get(key);
    const resume = this.#pausing.get(key);
    if (running && resume) {
      resume();
      return running;
    }
    const waiting = this.#waiting.get(key);
    if (waiting) return waiting;
    if (!running) return this.#start(key);
    const next = running.then(
      () => this.#next(key),
      () => this.#next(key),
    );
    this.#waiting.set(key, next);
    return next;
  }

  /** True while a job of the key runs or waits. */
  isBusy(key: Key): boolean {
    return this.#running.has(key);
  }

  /** Settles when nothing runs or waits any more. */
  async idle(): Promise<void> {
    while (this.#running.size > 0) await Promise.allSettled(this.#running.values());
  }

  #next(key: Key): Promise<void> {
    this.#waiting.delete(key);
    return this.#start(key);
  }

  #start(key: Key): Promise<void> {
    const job = this.#job(key, (milliseconds) => this.#pause(key, milliseconds)).finally(() => {
      if (this.#running.get(key) === job) this.#running.delete(key);
    });
    this.#running.set(key, job);
    return job;
  }
  async #pause(key: Key, milliseconds: number): Promise<void> {
    await new Promise<void>((resolve) => {
      const timer = setTimeout(resolve, milliseconds);
      this.#pausing.set(key, () => {
        clearTimeout(timer);
        resolve();
      });
    });
    this.#pausing.delete(key);
  }
}
