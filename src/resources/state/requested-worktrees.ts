import { readIfThere, writeAtomically } from "../../host/fs/files.ts";
import type { Layout } from "../../model/layout.ts";
import type { Worktree } from "../../model/worktree.ts";

type Known = Pick<Worktree, "identity">;

/**
 * The worktrees, by identity, that somebody has asked for: by a request, or by a command that names
 * one. Kept in `run/`, so that `ikigai start` knows them again; who loses it is asked once more.
 */
export class RequestedWorktrees {
  readonly #file: string;
  #known: ReadonlySet<string>;

  constructor({ run }: Layout) {
    this.#file = `${run}/asked`;
    this.#known = new Set((readIfThere(this.#file)?.toString() ?? "").split("\n").filter(Boolean));
  }

  has(identity: string): boolean {
    return this.#known.has(identity);
  }

  /** @param all every worktree that is there; what was known of others is forgotten */
  add({ identity }: Known, all: readonly Known[]): void {
    if (this.#known.has(identity)) return;
    const there = new Set(all.map((one) => one.identity));
    this.#known = new Set([...this.#known].filter((one) => there.has(one)).concat(identity));
    try {
      writeAtomically(this.#file, [...this.#known].map((one) => `${one}\n`).join(""), {
        durable: false,
      });
    } catch {
      // A full disk keeps nobody from what was asked for; only the next daemon does not know of it.
    }
  }
}
