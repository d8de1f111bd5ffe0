/** What is being done to a service. */
export type Operation = "start" | "stop";

interface Turn {
  readonly act: Operation;
  readonly done: Promise<unknown>;
}

/** One act at a time for each service, in the order in which they were asked for. */
export class KeyedMutex {
  readonly #last = new Map<string, Turn>();

  /** The act that was asked for last and is not over yet. */
  current(key: string): Operation | undefined {
    return this.#last.get(key)?.act;
  }

  /** Acts when everything that was asked for before is over. */
  take<T>(key: string, act: Operation, work: () => Promise<T>): Promise<T> {
    const before = this.#last.get(key)?.done;
    const done = before ? before.then(work, work) : work();
    const turn = { act, done };
    this.#last.set(key, turn);
    const leave = () => {
      if (this.#last.get(key) === turn) this.#last.delete(key);
    };
    done.then(leave, leave);
    return done;
  }

  /** Settles when nothing is done to any service any more. */
  async settled(): Promise<void> {
    while (this.#last.size > 0) {
      await Promise.allSettled([...this.#last.values()].map(({ done }) => done));
    }
  }
}
