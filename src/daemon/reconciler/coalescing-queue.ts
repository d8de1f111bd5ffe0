/**
 * Waits for the given milliseconds, or until the same key is requested again; this run then serves that
 * request too. A job may only pause before it has read anything.
 */
export type Pause = (milliseconds: number) => Promise<void>;

/**
 * Runs at most one job per key at a time. All requests that arrive during a run are served by one more
 * run after it, because the current run may have read its inputs before the requested change.
 */
export class CoalescingQueue<Key> {
  readonly #job: (key: Key, pause: Pause) => Promise<void>;
  readonly #running = new Map<Key, Promise<void>>();
  readonly #waiting = new Map<Key, Promise<void>>();
  /** Functions that end the pause of a run. */
  readonly #pausing = new Map<Key, () => void>();

  constructor(job: (key: Key, pause: Pause) => Promise<void>) {
    this.#job = job;
  }

  /** Resolves when a run that started after this call has finished. */
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

  /** Whether a job of the key is running. */
  isBusy(key: Key): boolean {
    return this.#running.has(key);
  }

  /** Resolves when no job is running or waiting. */
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
