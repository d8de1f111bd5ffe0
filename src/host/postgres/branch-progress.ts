import fs from "node:fs";
import type { Layout } from "../../model/layout.ts";
import type { Slug } from "../../model/slug.ts";
import { listIfThere } from "../fs/files.ts";
import { setCoalescedInterval } from "../timers/interval.ts";

const HEARTBEAT_MS = 10_000;
const ENDING = ".branching";
/** Each takes two connections and much of a disk; more at once end later, all of them. */
const AT_ONCE = 2;

/**
 * How far the branches of databases are that are being made. A file
 * `run/env/<worktree>.branching` says so to shells, which wait for it to go; one
 * that nobody has touched for a minute is a dead daemon's.
 */
export class BranchProgress {
  readonly #directory: string;
  readonly #fractions = new Map<Slug, number>();
  readonly #bases = new Map<Slug, number>();
  readonly #waiting: (() => void)[] = [];
  #running = 0;
  #quiet = new AbortController();
  readonly #journal: (line: string) => void;
  #endHeartbeat: (() => void) | undefined;

  constructor(layout: Layout, journal: (line: string) => void = () => {}) {
    this.#journal = journal;
    this.#directory = layout.environments;
    for (const name of listIfThere(layout.environments).map(String)) {
      if (name.endsWith(ENDING)) fs.rmSync(`${this.#directory}/${name}`, { force: true });
    }
  }

  get size(): number {
    return this.#fractions.size;
  }

  /** Worktrees that others were made from, the latest first. */
  get bases(): readonly Slug[] {
    return [...this.#bases].sort(([, a], [, b]) => b - a).map(([base]) => base);
  }

  useBase(worktree: Slug): void {
    this.#bases.set(worktree, performance.now());
  }

  /** Aborted when the next branch begins: what can wait makes way for it. */
  get quiet(): AbortSignal {
    return this.#quiet.signal;
  }

  /** From 0 to 1; undefined when none is being made. */
  get(worktree: Slug): number | undefined {
    return this.#fractions.get(worktree);
  }

  set(worktree: Slug, fraction: number): void {
    const known = this.#fractions.get(worktree);
    this.#fractions.set(worktree, fraction);
    this.#endHeartbeat ??= setCoalescedInterval(
      HEARTBEAT_MS,
      () => this.#writeAll(),
      this.#journal,
    );
    if (known === undefined) {
      this.#quiet.abort();
      this.#quiet = new AbortController();
    }
    if (known === undefined || percent(known) !== percent(fraction)) this.#write(worktree);
  }

  delete(worktree: Slug): void {
    this.#fractions.delete(worktree);
    fs.rmSync(`${this.#directory}/${worktree}${ENDING}`, { force: true });
    if (this.#fractions.size > 0) return;
    this.#endHeartbeat?.();
    this.#endHeartbeat = undefined;
  }

  /** Runs what is heavy when few others do. */
  async inTurn<T>(work: () => Promise<T>): Promise<T> {
    if (this.#running >= AT_ONCE) {
      await new Promise<void>((resolve) => this.#waiting.push(resolve));
    } else this.#running += 1;
    try {
      return await work();
    } finally {
      // The place is handed on, so that nobody who comes now can take it.
      const next = this.#waiting.shift();
      if (next) next();
      else this.#running -= 1;
    }
  }

  #writeAll(): void {
    for (const worktree of this.#fractions.keys()) this.#write(worktree);
  }

  #write(worktree: Slug): void {
    const text = `${percent(this.#fractions.get(worktree) ?? 0)}\n`;
    fs.mkdirSync(this.#directory, { recursive: true, mode: 0o700 });
    fs.writeFileSync(`${this.#directory}/${worktree}${ENDING}`, text, { mode: 0o600 });
  }
}

function percent(fraction: number): number {
  return Math.floor(fraction * 100);
}
