import type { Limits } from "../engine/idle.ts";
import {
  type Outcome,
  observe,
  reconcile,
  reconcileProject,
  touched,
} from "../engine/reconcile.ts";
import type { Wakes } from "../engine/wake.ts";
import { AWAY_MS } from "../facts/away.ts";
import { type Facts, type Gathering, gatherFacts, type WorktreeFacts } from "../facts/facts.ts";
import { sweepBuilds } from "../host/branch/index.ts";
import { toBuffer } from "../host/files.ts";
import { untilUnlocked } from "../host/git/lock.ts";
import type { Host } from "../host/host.ts";
import { reloadNginx } from "../host/nginx.ts";
import { isUnreachable } from "../host/postgres/client.ts";
import { sweepRoles } from "../host/postgres/roles.ts";
import { prepareDatabase } from "../host/postgres/schemas.ts";
import type { Step } from "../model/change.ts";
import { serviceConfiguration } from "../model/configuration.ts";
import type { PlanReport } from "../model/report.ts";
import { type Slug, schemaOf } from "../model/slug.ts";
import { startsByItself } from "../model/start-policy.ts";
import { Housekeeper } from "./idle-timer.ts";
import { Queue } from "./queue.ts";

/** Told of everything that was done or failed; for the daemon's log. */
export type Journal = (line: string) => void;

const LOOKS_AGAIN = 3;

/** Work on one worktree that must not meet a look at it. */
export type Errand = (worktree: WorktreeFacts, facts: Facts) => Promise<void>;

/** A file's time of change may lie this far behind the clock (the kernel's coarse one). */
const CLOCK_TICK_MS = 12;

const FIRST_RETRY_MS = 400;
const LAST_RETRY_MS = 30_000;

/**
 * Keeps what is there in line with what is wanted. Any trigger says "look again",
 * at one worktree or at all; a worktree is worked at by one look at a time.
 */
export class Keeper {
  readonly host: Host;
  readonly wakes: Wakes;
  readonly housekeeper: Housekeeper;
  readonly #gathering: () => Gathering;
  readonly #journal: Journal;
  readonly #looks: Queue<Slug>;
  readonly #fullLooks: Queue<"all">;
  readonly #known = new Map<Slug, WorktreeFacts>();
  /** Worktrees that are gone and of which something is still there. */
  readonly #leftovers = new Set<Slug>();
  /** How often a worktree that is held was looked at again. */
  readonly #again = new Map<Slug, number>();
  readonly #errands = new Map<Slug, readonly Errand[]>();
  readonly #problems = new Map<Slug, readonly string[]>();
  readonly #provisioned = new Set<Slug>();
  readonly #lookedAt = new Map<Slug, number>();
  /** Worktrees that somebody has asked for; a look alone never starts code of a new one. */
  readonly #asked = new Set<Slug>();
  #defaultSlug: Slug | undefined;
  #prepared = false;
  /** Why the database is not, as it was told last. */
  #unprepared = "";
  /** The default worktree that nginx may have kept connections to. */
  #chosenOnce: Slug | undefined;
  #retryAt = 0;
  #retryPause = FIRST_RETRY_MS;

  constructor(
    gathering: () => Gathering,
    host: Host,
    journal: Journal,
    limits: () => Limits = () => ({}),
  ) {
    this.#gathering = gathering;
    this.host = host;
    this.#journal = journal;
    this.housekeeper = new Housekeeper({
      host,
      worktrees: () => this.worktrees,
      ready: (slug) => this.#readyForServices(slug),
      limits,
      journal,
    });
    this.wakes = this.housekeeper.wakes;
    this.#looks = new Queue((slug) => this.#look(slug));
    this.#fullLooks = new Queue(() => this.#lookEverywhere());
  }

  /** The worktrees as they were seen last. */
  get worktrees(): readonly WorktreeFacts[] {
    return [...this.#known.values()];
  }

  find(slug: Slug): WorktreeFacts | undefined {
    return this.#known.get(slug === ".default" ? (this.#defaultSlug ?? "") : slug);
  }

  isBusy(slug: Slug): boolean {
    return this.#looks.isBusy(slug);
  }

  isProvisioned(slug: Slug): boolean {
    return this.#provisioned.has(slug);
  }

  problemsOf(slug: Slug): readonly string[] {
    return this.#problems.get(slug) ?? [];
  }

  /** True when everything is as it should be, as far as is known. */
  isSettled(): boolean {
    const all = [...this.#known.keys()].every((slug) => this.#provisioned.has(slug));
    return this.#prepared && this.#leftovers.size === 0 && all;
  }

  /** What a person should know of a worktree, though it is ready. */
  notesOf(slug: Slug): readonly string[] {
    return this.host.notes.of(slug);
  }

  /** True when something failed and it is time to try again: soon at first, then less often. */
  wantsRetry(): boolean {
    if (!this.#prepared) return true;
    const failed = [...this.#problems.values()].some((problems) => problems.length > 0);
    if (!failed && this.#leftovers.size === 0) {
      this.#retryPause = FIRST_RETRY_MS;
      return false;
    }
    if (Date.now() < this.#retryAt) return false;
    this.#retryPause = Math.min(this.#retryPause * 2, LAST_RETRY_MS);
    this.#retryAt = Date.now() + this.#retryPause;
    return true;
  }

  /**
   * Settles when a look at this worktree that began after the call is over. An
   * errand is run in that look, so that nobody else works at the worktree meanwhile;
   * it is left out when the worktree is not there.
   */
  async lookAt(slug: Slug, errand?: Errand): Promise<void> {
    if (!errand) return this.#looks.request(slug);
    let failure: { readonly error: unknown } | undefined;
    const run: Errand = async (worktree, facts) => {
      await errand(worktree, facts).catch((error: unknown) => {
        failure = { error };
      });
    };
    this.#errands.set(slug, [...(this.#errands.get(slug) ?? []), run]);
    await this.#looks.request(slug);
    if (failure) throw failure.error;
  }

  async lookEverywhere(): Promise<void> {
    await this.#fullLooks.request("all");
    await this.#looks.idle();
  }

  /** What a look would do, and why. Changes nothing. */
  async plan(): Promise<PlanReport> {
    const kinds = await observe(await this.#gather(), this.host);
    return {
      steps: kinds.flatMap(({ planned }) => planned.map(({ step }) => step)),
      problems: kinds.flatMap(({ failed }) => (failed === undefined ? [] : [explain(failed)])),
    };
  }

  /** The slug of the worktree whose administrative directory this is. */
  slugOfGitDir(gitDir: Uint8Array): Slug | undefined {
    return this.#gathering().reader.slugAt(gitDir);
  }

  /** The same of one that was there at the last look; it may be gone. */
  knownAt(gitDir: Uint8Array): Slug | undefined {
    return this.worktrees.find((w) => Buffer.compare(w.gitDir, gitDir) === 0)?.slug;
  }

  /** Whether a look at this worktree began after a time, in milliseconds since the epoch. */
  lookedSince(slug: Slug, time: number): boolean {
    return (this.#lookedAt.get(slug) ?? 0) > time + CLOCK_TICK_MS;
  }

  /** Ends all services and takes their places: they begin anew when asked for. */
  async rest(): Promise<void> {
    await this.idle();
    this.#asked.clear();
    await Promise.all(
      this.worktrees.flatMap((worktree) =>
        worktree.services.map((service) => this.wakes.end(worktree, service)),
      ),
    );
  }

  /** Somebody asks for worktrees: what runs there by itself starts, now or when they are ready. */
  ask(slugs: readonly Slug[]): void {
    for (const slug of slugs.filter((each) => !this.#asked.has(each))) {
      this.#asked.add(slug);
      const worktree = this.#known.get(slug);
      if (worktree) this.#startServices(worktree);
    }
  }

  /** Settles when the services of a worktree may start; answers what keeps them from it. */
  async #readyForServices(slug: Slug): Promise<readonly string[]> {
    if (!this.#provisioned.has(slug)) await this.lookAt(slug);
    this.ask([slug]);
    return this.problemsOf(slug);
  }

  /** Settles when every service that is starting has started or failed. */
  async settled(): Promise<void> {
    await this.wakes.settled();
  }

  async idle(): Promise<void> {
    await this.#fullLooks.idle();
    await this.#looks.idle();
  }

  #gather(scope?: ReadonlySet<Slug>): Promise<Facts> {
    return gatherFacts(this.#gathering(), scope);
  }

  /** Finds out which worktrees need a look; each is then looked at by itself. */
  async #lookEverywhere(): Promise<void> {
    await this.#prepare();
    const facts = await this.#gather();
    this.#remember(facts);
    this.#lookAgain(facts);
    const kinds = await observe(facts, this.host);
    const { slugs, project } = touched(kinds);
    if (project) this.#tell(await reconcileProject(this.host, kinds), undefined);
    const due = facts.worktrees.filter(
      (worktree) => slugs.has(worktree.slug) || !this.#provisioned.has(worktree.slug),
    );
    const gone = [...slugs].filter((slug) => !facts.worktrees.some((w) => w.slug === slug));
    // Not waited for here: one that takes long keeps nobody from noticing the others.
    for (const slug of [...due.map((w) => w.slug), ...gone]) {
      this.lookAt(slug).catch((error: unknown) =>
        this.#journal(`look at ${slug} failed: ${explain(error)}`),
      );
    }
  }

  async #look(slug: Slug): Promise<void> {
    const errands = this.#errands.get(slug) ?? [];
    this.#errands.delete(slug);
    await this.#prepare();
    const known = this.#known.get(slug);
    // Files come and go while git writes them, and services would with them.
    if (known) await untilUnlocked(known.gitDir);
    const scope = new Set([slug]);
    this.#lookedAt.set(slug, Date.now());
    const facts = await this.#gather(scope);
    const chosen = this.#defaultSlug;
    this.#remember(facts, slug);
    this.#lookAgain(facts, slug);
    if (chosen !== facts.defaultSlug) void this.lookEverywhere().catch(() => {});
    if (facts.held.has(slug)) return;
    const worktree = facts.worktrees[0];
    for (const errand of worktree ? errands : []) if (worktree) await errand(worktree, facts);
    const outcome = await reconcile(facts, this.host, scope);
    this.#note(outcome, slug);
    this.#tell(outcome, slug);
    if (worktree) this.#startServices(worktree);
  }

  /** Troubles are seen before anything is done; what was done has told its own. */
  #note({ troubles, done, failures }: Outcome, slug: Slug): void {
    const { notes, intended } = this.host;
    const worktree = this.#known.get(slug);
    if (!worktree) notes.delete(slug);
    if (!worktree || failures.length > 0) return;
    intended.delete(toBuffer(worktree.path).toString());
    if (done.some(({ kind }) => kind === "schema")) return;
    notes.set(slug, "schema", troubles.get(slug));
    notes.set(slug, "setup", undefined);
  }

  #remember(facts: Facts, only?: Slug): void {
    this.#defaultSlug = facts.defaultSlug;
    this.host.ports.setDefault(facts.defaultSlug);
    if (this.#chosenOnce && this.#chosenOnce !== facts.defaultSlug) reloadNginx(this.host.layout);
    this.#chosenOnce = facts.defaultSlug ?? this.#chosenOnce;
    const seen = new Set(facts.worktrees.map((w) => w.slug));
    for (const slug of only ? [only] : [...this.#known.keys()]) {
      if (seen.has(slug) || facts.held.has(slug)) continue;
      this.#known.delete(slug);
      this.#problems.delete(slug);
      this.#provisioned.delete(slug);
      this.#lookedAt.delete(slug);
      this.#asked.delete(slug);
    }
    for (const worktree of facts.worktrees) this.#known.set(worktree.slug, worktree);
    for (const worktree of facts.unknown) {
      const known = this.#known.get(worktree.slug);
      if (known) this.#known.set(worktree.slug, { ...known, ...worktree });
    }
  }

  /** A directory that is away may be on its way: it is judged by another look a moment later. */
  #lookAgain({ held }: Facts, only?: Slug): void {
    for (const slug of only ? [only] : [...this.#again.keys()]) {
      if (!held.has(slug)) this.#again.delete(slug);
    }
    for (const slug of held) {
      const looks = this.#again.get(slug) ?? 0;
      if (looks === LOOKS_AGAIN) continue;
      this.#again.set(slug, looks + 1);
      setTimeout(() => void this.lookAt(slug).catch(() => {}), AWAY_MS);
    }
  }

  #tell({ done, failures }: Outcome, slug: Slug | undefined): void {
    for (const step of done) this.#journal(`${describe(step)}: ${step.why}`);
    const told = this.#problems.get(slug ?? "") ?? [];
    for (const { step, error } of failures) {
      // It is tried again twice a second, and said once.
      if (told.includes(explain(error))) continue;
      this.#journal(`${step ? describe(step) : "look"} failed: ${explain(error)}`);
    }
    if (slug === undefined) return;
    if (!this.#known.has(slug)) {
      if (failures.length > 0) this.#leftovers.add(slug);
      else this.#leftovers.delete(slug);
      return;
    }
    this.#leftovers.delete(slug);
    this.#problems.set(slug, [...new Set(failures.map(({ error }) => explain(error)))]);
    if (failures.length === 0) this.#provisioned.add(slug);
    else this.#provisioned.delete(slug);
  }

  #startServices(worktree: WorktreeFacts): void {
    for (const slug of worktree.trust().held.keys()) {
      // What runs was approved; what would run after it was not.
      if (this.host.slots.has(`${worktree.slug}.${slug}`))
        this.host.slots.once(`${worktree.slug}.${slug}`);
    }
    if (!this.#asked.has(worktree.slug)) return;
    for (const service of worktree.services) {
      const key = `${worktree.slug}.${service.slug}`;
      const { start } = serviceConfiguration(worktree.settings, service.name);
      if (!service.backend || !startsByItself(start, worktree.isDefault)) continue;
      if (this.host.slots.has(key) || !this.#provisioned.has(worktree.slug)) continue;
      this.wakes.wake(worktree, service).then(
        (result) => {
          if (!result.awake) this.#journal(`service ${key} did not start: ${result.why}`);
        },
        (error: unknown) => this.#journal(`service ${key} did not start: ${explain(error)}`),
      );
    }
  }

  /** What branches left that were cut off by the end of a daemon or of the server. */
  async sweep(): Promise<void> {
    const { postgres } = this.host;
    const client = await postgres.connect();
    try {
      await sweepBuilds(client);
    } finally {
      await client.end();
    }
    await sweepRoles(postgres, (role) => [...this.#known.keys()].map(schemaOf).includes(role));
  }

  /** What a database needs once, before its first schema. */
  async #prepare(): Promise<void> {
    if (this.#prepared) return;
    try {
      await prepareDatabase(this.host.postgres);
      await this.sweep();
      this.#prepared = true;
    } catch (error) {
      // Everything but the schemas can be brought in line all the same.
      const why = explain(error);
      if (!isUnreachable(error) && why !== this.#unprepared) this.#journal(`database: ${why}`);
      this.#unprepared = why;
    }
  }
}

function describe({ kind, action, key }: Step): string {
  return `${action} ${kind} ${key}`;
}

function explain(error: unknown): string {
  if (isUnreachable(error)) return "Postgres does not answer; type: pg_ctl start";
  if (!(error instanceof Error)) return String(error);
  const next = "next" in error && typeof error.next === "string" ? error.next : undefined;
  return next === undefined ? error.message : `${error.message}; next: ${next}`;
}
