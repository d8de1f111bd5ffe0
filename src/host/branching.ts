import fs from "node:fs";
import type { Layout } from "../model/layout.ts";
import type { Slug } from "../model/slug.ts";
import { listIfThere } from "./files.ts";

const HEARTBEAT_MS = 10_000;
const ENDING = ".branching";

/**
 * How far the branches of databases are that are being made. A file
 * `run/env/<worktree>.branching` says so to shells, which wait for it to go; one
 * that nobody has touched for a minute is a dead daemon's.
 */
export class Branching {
  readonly #directory: string;
  readonly #fractions = new Map<Slug, number>();
  #heartbeat: NodeJS.Timeout | undefined;

  constructor(layout: Layout) {
    this.#directory = layout.environments;
    for (const name of listIfThere(layout.environments).map(String)) {
      if (name.endsWith(ENDING)) fs.rmSync(`${this.#directory}/${name}`, { force: true });
    }
  }

  get size(): number {
    return this.#fractions.size;
  }

  /** From 0 to 1; undefined when none is being made. */
  get(worktree: Slug): number | undefined {
    return this.#fractions.get(worktree);
  }

  set(worktree: Slug, fraction: number): void {
    const known = this.#fractions.get(worktree);
    this.#fractions.set(worktree, fraction);
    this.#heartbeat ??= setInterval(() => this.#writeAll(), HEARTBEAT_MS);
    if (known === undefined || percent(known) !== percent(fraction)) this.#write(worktree);
  }

  delete(worktree: Slug): void {
    this.#fractions.delete(worktree);
    fs.rmSync(`${this.#directory}/${worktree}${ENDING}`, { force: true });
    if (this.#fractions.size > 0) return;
    clearInterval(this.#heartbeat);
    this.#heartbeat = undefined;
  }

  #writeAll(): void {
    for (const worktree of this.#fractions.keys()) this.#write(worktree);
  }

  #write(worktree: Slug): void {
    const text = `${percent(this.#fractions.get(worktree) ?? 0)}\n`;
    fs.writeFileSync(`${this.#directory}/${worktree}${ENDING}`, text, { mode: 0o600 });
  }
}

function percent(fraction: number): number {
  return Math.floor(fraction * 100);
}
