import { statIfThere } from "../fs/files.ts";

/** What was found out about directories, forgotten when they are gone. */
export class DirectoryCache<Value> {
  readonly #entries = new Map<string, { readonly directory: Buffer; readonly value: Value }>();

  get size(): number {
    return this.#entries.size;
  }

  get(key: string): Value | undefined {
    return this.#entries.get(key)?.value;
  }

  /** Also looks which others are gone: what is kept was expensive to find out. */
  set(key: string, directory: Buffer, value: Value): void {
    for (const [other, entry] of this.#entries) {
      if (!statIfThere(entry.directory)) this.#entries.delete(other);
    }
    this.#entries.set(key, { directory, value });
  }
}
