import { readIfThere, writeAtomically } from "../../host/fs/files.ts";
import type { Layout } from "../../model/layout.ts";
import type { Worktree } from "../../model/worktree.ts";

type Known = Pick<Worktree, "identity">;

/**
 * Records the identities of worktrees that were requested, by an HTTP request or by a command that names
 * them. Kept in `run/` across restarts; if the file is lost, worktrees have to be requested again.
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

  /** @param all every existing worktree; records of others are dropped */
  add({ identity }: Known, all: readonly Known[]): void {
    if (this.#known.has(identity)) return;
    const there = new Set(all.map((one) => one.identity));
    this.#known = new Set([...this.#known].filter((one) => there.has(one)).concat(identity));
    try {
      writeAtomically(this.#file, [...this.#known].map((one) => `${one}\n`).join(""), {
        durable: false,
      });
    } catch {
      // A full disk must not fail the request; the next daemon will only not know of it.
    }
  }
}
