import { type Activity, readActivity, readTableFingerprint } from "../../host/postgres/activity.ts";
import { moveMisplacedExtensions } from "../../host/postgres/extensions.ts";
import { setCoalescedTimeout } from "../../host/timers/coalesced-timeout.ts";
import type { Journal } from "../../model/journal.ts";
import { type Slug, schemaOf } from "../../model/slug.ts";
import { BranchError, dropReserve, keepReserve, schemaSize } from "../../schema-branch/index.ts";
import type { Reconciler } from "../reconciler/reconciler.ts";
import { ReservePause } from "./reserve-pause.ts";

const PAUSE_MS = 3_000;
/** While nobody writes. */
const IDLE_PAUSE_MS = 6_000;
/** After keeping, this many times as long nothing is done, unless a reserve was used. */
const RARENESS = 10;
const FAILED_PAUSE_MS = 30_000;
const LONGEST_PAUSE_MS = 60_000;
/** A session counts what it wrote ten seconds later at most (PGSTAT_IDLE_INTERVAL in PostgreSQL's pgstat.c). */
const COUNTED_MS = 15_000;
/** The default worktree's, and those of which somebody has made another lately. */
const BASES = 3;

/**
 * Keeps finished branches ready of the schemas from which worktrees are made. A
 * look costs one small statement, and more only when the server has written
 * something and then been quiet. Makes way for whoever is being served with a new
 * worktree. Returns the way to end it.
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
  readonly #told = new Set<string>();
  /** Schemas of which a reserve was there. */
  readonly #kept = new Set<string>();
  readonly #pause = new ReservePause();
  #seen = "";
  #line = "";
  #served = "";
  /** The server's at the last look, and since when. */
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

  /** Nobody has written for so long that the server has counted everything: nothing needs to be read again. */
  get isIdle(): boolean {
    return performance.now() - this.#movedAt > COUNTED_MS;
  }

  /** Never fails: a server that is away is asked again. */
  async look(): Promise<void> {
    const { branchProgress, postgres } = this.#reconciler.host;
    if (branchProgress.size > 0) return;
    const began = performance.now();
    try {
      const pulse = await readActivity(postgres, this.#needed());
      // Its worktree may have gone since, of which the server's position tells nothing.
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
      // Postgres is away or its disk is full; or a branch began, and it is nobody's fault.
      if (branchProgress.size === 0) this.#pauseUntil(performance.now() + FAILED_PAUSE_MS);
    }
  }

  /** Roles of worktrees that are there, whose branch may be under way or refused. */
  #needed(): string[] {
    return this.#reconciler.worktrees.map(({ slug }) => schemaOf(slug));
  }

  #notice({ position }: Activity): void {
    if (position !== this.#position) this.#movedAt = performance.now();
    this.#position = position;
  }

  async #read(): Promise<string> {
    await this.#gather();
    return readTableFingerprint(this.#reconciler.host.postgres, this.#bases().map(schemaOf));
  }

  /** When a base was written to since all was in line, and nobody is at it: as a rule. */
  #isDue({ bases }: Activity, print: string, now: number): boolean {
    const quiet = print === this.#seen;
    this.#seen = print;
    // Somebody was served from it. One that could not be made again is no longer waited for.
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

  /** Answers the tables whose copying may bring nothing. */
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
      // What cannot be branched cannot be kept either.
      if (error instanceof BranchError && error.code === "refused") {
        this.#once(`no reserve: ${error.message}`);
        return [];
      }
      throw error;
    }
  }

  /** Those of worktrees that are gone, or from which nobody makes others any more. */
  async #dropOthers(reserved: readonly string[]): Promise<void> {
    const { postgres } = this.#reconciler.host;
    const kept = this.#bases().map(schemaOf);
    for (const base of reserved.filter((each) => !kept.includes(each))) {
      await postgres.use((client) => dropReserve(client, base));
      this.#kept.delete(base);
      this.#journal(`reserve of ${base} dropped`);
    }
  }

  async #gather(): Promise<void> {
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
    if (this.#told.has(line)) return;
    this.#told.add(line);
    this.#journal(line);
  }
}
