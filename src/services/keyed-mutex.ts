/** An operation on a service. */
export type Operation = "start" | "stop";

interface Turn {
  readonly act: Operation;
  readonly done: Promise<unknown>;
}

/** Runs one operation at a time per service, in the order of the requests. */
export class KeyedMutex {
  readonly #last = new Map<string, Turn>();

  /** Returns the operation that was requested last and has not finished. */
  current(key: string): Operation | undefined {
    return this.#last.get(key)?.act;
  }

  /** Runs `work` when all operations requested before have finished. */
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

  /** Resolves when no operation is running or waiting. */
  async settled(): Promise<void> {
    while (this.#last.size > 0) {
      await Promise.allSettled([...this.#last.values()].map(({ done }) => done));
    }
  }
}
