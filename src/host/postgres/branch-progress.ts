import fs from "node:fs";
import type { Layout } from "../../model/layout.ts";
import type { Slug } from "../../model/slug.ts";
import { listIfThere } from "../fs/files.ts";
import { setCoalescedInterval } from "../timers/interval.ts";

const HEARTBEAT_MS = 10_000;
const ENDING = ".branching";
/**
 * Each build takes two connections and much of a disk; running more at once would make all of them end later.
 */
const AT_ONCE = 2;

/**
 * Progress of the database branches that are being built. The file `run/env/<worktree>.branching` shows it to
 * shells, which wait until it is deleted. A file that has not been touched for a minute was left by a dead
 * daemon.
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

  /** Worktrees that others were branched from, the latest first. */
  get bases(): readonly Slug[] {
    return [...this.#bases].sort(([, a], [, b]) => b - a).map(([base]) => base);
  }

  useBase(worktree: Slug): void {
    this.#bases.set(worktree, performance.now());
  }

  /** Aborted when the next branch begins, so that work that can wait makes way for it. */
  get quiet(): AbortSignal {
    return this.#quiet.signal;
  }

  /** From 0 to 1; undefined if no branch is being built. */
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

  /** Runs heavy work, at most two at a time. */
  async inTurn<T>(work: () => Promise<T>): Promise<T> {
    if (this.#running >= AT_ONCE) {
      await new Promise<void>((resolve) => this.#waiting.push(resolve));
    } else this.#running += 1;
    try {
      return await work();
    } finally {
      // Passes the slot on directly, so that no new caller can take it first.
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
