import { statIfThere } from "../fs/files.ts";

/** Caches values by directory and drops them once the directory is deleted. */
export class DirectoryCache<Value> {
  readonly #entries = new Map<string, { readonly directory: Buffer; readonly value: Value }>();

  get size(): number {
    return this.#entries.size;
  }

  get(key: string): Value | undefined {
    return this.#entries.get(key)?.value;
  }

  /**
   * Stores a value and drops those of deleted directories. Doing so here is cheap, as values are expensive to
   * compute.
   */
  set(key: string, directory: Buffer, value: Value): void {
    for (const [other, entry] of this.#entries) {
      if (!statIfThere(entry.directory)) this.#entries.delete(other);
    }
    this.#entries.set(key, { directory, value });
  }
}
