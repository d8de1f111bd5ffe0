import { type Activity, readActivity, readTableFingerprint } from "../../host/postgres/activity.ts";
import { moveMisplacedExtensions } from "../../host/postgres/extensions.ts";
import { setCoalescedTimeout } from "../../host/timers/coalesced-timeout.ts";
import type { Journal } from "../../model/journal.ts";
import { type Slug, schemaOf } from "../../model/slug.ts";
import { BranchError, dropReserve, keepReserve, schemaSize } from "../../schema-branch/index.ts";
import type { Reconciler } from "../reconciler/reconciler.ts";
import { ReservePause } from "./reserve-pause.ts";

const PAUSE_MS = 3_000;
/** The pause while nothing is written. */
const IDLE_PAUSE_MS = 6_000;
/** The pause after a refresh, as a multiple of its duration; unless a reserve was claimed. */
const RARENESS = 10;
const FAILED_PAUSE_MS = 30_000;
const LONGEST_PAUSE_MS = 60_000;
/** A session reports its writes after at most 10 s (PGSTAT_IDLE_INTERVAL in PostgreSQL's pgstat.c). */
const COUNTED_MS = 15_000;
/** The number of bases with a reserve: the default worktree, and those branched from lately. */
const BASES = 3;

/**
 * Keeps finished branches (reserves) of the schemas from which worktrees are created. Polls with one
 * small statement, and does more only after the server has written something and gone quiet again.
 * Yields to the creation of worktrees. Returns a function that stops it.
 */
export function keepReserves(reconciler: Reconciler, journal: Journal): () => Promise<void> {
  const reserving = new ReserveKeeper(reconciler, journal);
  let ended = false;
  let running: Promise<void> = Promise.resolve();
  let giveUp = setCoalescedTimeout(PAUSE_MS, tick);
  function tick(): void {
    running = reserving.look().then(() => {
      if (!ended) giveUp = setCoalescedTimeout(reserving.isIdle ? IDLE_PAUSE_MS : PAUSE_MS, tick);
    });
  }
  return async () => {
    ended = true;
    giveUp();
    reserving.end();
    await running;
  };
}

class ReserveKeeper {
  readonly #reconciler: Reconciler;
  readonly #journal: Journal;
  readonly #ending = new AbortController();
  readonly #logged = new Set<string>();
  /** Bases that had a reserve. */
  readonly #kept = new Set<string>();
  readonly #pause = new ReservePause();
  #seen = "";
  #line = "";
  #served = "";
  /** The server's WAL position at the last poll, and when it last moved. */
  #position = "";
  #movedAt = Number.NEGATIVE_INFINITY;
  #notBefore = Number.NEGATIVE_INFINITY;
  #atLatest = Number.NEGATIVE_INFINITY;

  constructor(reconciler: Reconciler, journal: Journal) {
    this.#reconciler = reconciler;
    this.#journal = journal;
  }

  end(): void {
    this.#ending.abort();
  }

  /** Whether the last write is so long ago that the statistics include it and need not be read again. */
  get isIdle(): boolean {
    return performance.now() - this.#movedAt > COUNTED_MS;
  }

  /** Polls once. Never rejects: an unreachable server is polled again later. */
  async look(): Promise<void> {
    const { branchProgress, postgres } = this.#reconciler.host;
    if (branchProgress.size > 0) return;
    const began = performance.now();
    try {
      const pulse = await readActivity(postgres, this.#needed());
      // The worktree of an unfinished branch may have been removed, which does not move the WAL position.
      if (pulse.unfinished) await this.#reconciler.sweep();
      this.#notice(pulse);
      if (pulse.position === this.#served) return;
      const print = this.isIdle ? this.#seen : await this.#read();
      if (!this.#isDue(pulse, print, began)) return;
      await this.#dropOthers(pulse.bases);
      const unproven: string[] = [];
      for (const slug of this.#bases()) unproven.push(...(await this.#keep(slug)));
      this.#pause.record(print, unproven, performance.now());
      this.#served = (await readActivity(postgres, this.#needed())).position;
      this.#line = print;
      this.#pauseUntil(performance.now() + (performance.now() - began) * RARENESS);
    } catch {
      // Postgres is down or its disk is full; or a branch started and aborted this, which is no error.
      if (branchProgress.size === 0) this.#pauseUntil(performance.now() + FAILED_PAUSE_MS);
    }
  }

  /** The roles of existing worktrees, whose branch may be under way or refused. */
  #needed(): string[] {
    return this.#reconciler.worktrees.map(({ slug }) => schemaOf(slug));
  }

  #notice({ position }: Activity): void {
    if (position !== this.#position) this.#movedAt = performance.now();
    this.#position = position;
  }

  async #read(): Promise<string> {
    await this.#updateWarnings();
    return readTableFingerprint(this.#reconciler.host.postgres, this.#bases().map(schemaOf));
  }

  /** Whether to refill: normally once a base has changed and has then been quiet for a moment. */
  #isDue({ bases }: Activity, print: string, now: number): boolean {
    const quiet = print === this.#seen;
    this.#seen = print;
    // A reserve was claimed: refill at once. One that could not be built is no longer in this set.
    if ([...this.#kept].some((base) => !bases.includes(base))) return true;
    if (now < this.#notBefore || this.#pause.holds(print, now)) return false;
    return now >= this.#atLatest || (quiet && print !== this.#line);
  }

  #pauseUntil(time: number): void {
    this.#notBefore = Math.min(time, performance.now() + LONGEST_PAUSE_MS);
    this.#atLatest = performance.now() + LONGEST_PAUSE_MS;
  }

  #bases(): Slug[] {
    const chosen = this.#reconciler.find(".default")?.slug;
    const all = [
      ...(chosen === undefined ? [] : [chosen]),
      ...this.#reconciler.host.branchProgress.bases,
    ];
    return [...new Set(all)].filter((slug) => this.#wantsOne(slug)).slice(0, BASES);
  }

  #wantsOne(slug: Slug): boolean {
    const worktree = this.#reconciler.find(slug);
    return worktree?.settings.database.branch === "data" && this.#reconciler.isProvisioned(slug);
  }

  /** Builds or refreshes one reserve; returns the tables whose copies could not be proven current. */
  async #keep(slug: Slug): Promise<readonly string[]> {
    const { postgres, branchProgress } = this.#reconciler.host;
    const { maxSize } = this.#reconciler.find(slug)?.settings.database ?? { maxSize: 0 };
    const base = schemaOf(slug);
    this.#kept.delete(base);
    const size = await postgres.use((client) => schemaSize(client, base));
    if (size === 0 || size > maxSize) return [];
    const signal = AbortSignal.any([branchProgress.quiet, this.#ending.signal]);
    if (branchProgress.size > 0) return [];
    try {
      const {
        state,
        reason,
        unproven = [],
      } = await keepReserve(() => postgres.connect(), base, { signal });
      if (state !== "unavailable") this.#kept.add(base);
      if (state === "built" || state === "refreshed") this.#journal(`reserve of ${base} ${state}`);
      if (state === "unavailable") this.#once(`no reserve: ${reason}`);
      return unproven.map((name) => `${base}.${name}`);
    } catch (error) {
      // A schema that cannot be branched has no reserve either.
      if (error instanceof BranchError && error.code === "refused") {
        this.#once(`no reserve: ${error.message}`);
        return [];
      }
      throw error;
    }
  }

  /** Drops reserves of removed worktrees and of those no longer branched from. */
  async #dropOthers(reserved: readonly string[]): Promise<void> {
    const { postgres } = this.#reconciler.host;
    const kept = this.#bases().map(schemaOf);
    for (const base of reserved.filter((each) => !kept.includes(each))) {
      await postgres.use((client) => dropReserve(client, base));
      this.#kept.delete(base);
      this.#journal(`reserve of ${base} dropped`);
    }
  }

  async #updateWarnings(): Promise<void> {
    const { host } = this.#reconciler;
    const strays = await moveMisplacedExtensions(host.postgres);
    const chosen = this.#reconciler.find(".default")?.slug;
    for (const { slug } of this.#reconciler.worktrees) {
      const texts = strays
        .filter(
          ({ schema }) => schema === schemaOf(slug) || (schema === "public" && slug === chosen),
        )
        .map(({ text }) => text);
      host.warnings.set(slug, "extensions", texts.join("; ") || undefined);
    }
  }

  #once(line: string): void {
    if (this.#logged.has(line)) return;
    this.#logged.add(line);
    this.#journal(line);
  }
}
