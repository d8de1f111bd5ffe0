import { setImmediate } from "node:timers/promises";
import {
  type Facts,
  type Gathering,
  gatherFacts,
  type WorktreeFacts,
} from "../../discovery/facts.ts";
import { joinRaw } from "../../host/fs/files.ts";
import { untilUnlocked } from "../../host/git/index-lock.ts";
import { explain } from "../../host/postgres/error-message.ts";
import { Backoff } from "../../host/timers/backoff.ts";
import type { Journal } from "../../model/journal.ts";
import type { PlanReport } from "../../model/reports.ts";
import type { Slug } from "../../model/slug.ts";
import { describe } from "../../reconcile/messages.ts";
import { noteOutcome } from "../../reconcile/outcome.ts";
import {
  type Outcome,
  observe,
  reconcile,
  reconcileProject,
  touched,
} from "../../reconcile/reconcile.ts";
import type { Host } from "../../resources/step-context.ts";
import type { Wakes } from "../../services/activator.ts";
import type { Found } from "../../services/activator-dependencies.ts";
import { Autostart } from "../../services/autostart.ts";
import type { Limits } from "../../services/eviction-policy.ts";
import { Housekeeper } from "../../services/idle-manager.ts";
import { changeOfTop } from "../watch/change-poll.ts";
import { type Pause, Queue } from "./coalescing-queue.ts";
import { DatabasePreparation } from "./database-bootstrap.ts";
import { type Errand, Errands } from "./exclusive-tasks.ts";
import { Standing } from "./provisioning-status.ts";
import { Again } from "./recheck.ts";
import { Seen } from "./worktree-cache.ts";

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
  readonly #noticed: (facts: Facts) => void;
  readonly #looks: Queue<Slug>;
  readonly #fullLooks: Queue<"all">;
  readonly #seen = new Seen();
  readonly #again = new Again((slug) => void this.lookAt(slug).catch(() => {}));
  readonly #errands = new Errands();
  readonly #standing = new Standing();
  readonly #preparation: DatabasePreparation;
  readonly #databaseBackoff = new Backoff(250, 2_000);
  readonly #autostart: Autostart;
  /** Why nothing can be seen, as it was told last. */
  #unreadable = "";

  constructor(
    gathering: () => Gathering,
    host: Host,
    journal: Journal,
    limits: () => Limits = () => ({}),
    noticed: (facts: Facts) => void = () => {},
  ) {
    this.#gathering = gathering;
    this.#noticed = noticed;
    this.host = host;
    this.#journal = journal;
    this.housekeeper = new Housekeeper({
      host,
      worktrees: () => this.worktrees,
      ready: (slug, anew) => this.#readyForServices(slug, anew),
      onPort: (slug, service, wanted) => this.#putOnPort(slug, service, wanted),
      limits,
      journal,
    });
    this.wakes = this.housekeeper.wakes;
    this.#autostart = new Autostart(host.slots, this.wakes, journal);
    this.#preparation = new DatabasePreparation(host.postgres, () => this.#seen.slugs, journal);
    this.#looks = new Queue((slug, pause) => this.#look(slug, pause));
    this.#fullLooks = new Queue(() => this.#lookEverywhere());
  }

  /** The worktrees as they were seen last. */
  get worktrees(): readonly WorktreeFacts[] {
    return this.#seen.all;
  }

  find(slug: Slug): WorktreeFacts | undefined {
    return this.#seen.find(slug);
  }

  isBusy(slug: Slug): boolean {
    return this.#looks.isBusy(slug);
  }

  isProvisioned(slug: Slug): boolean {
    return this.#standing.isProvisioned(slug);
  }

  problemsOf(slug: Slug): readonly string[] {
    return this.#standing.problemsOf(slug);
  }

  /** True when every worktree has its schema, whatever else of it may fail for good. */
  isSettled(): boolean {
    return (
      this.#preparation.done && this.#seen.slugs.every((slug) => this.#standing.hasSchema(slug))
    );
  }

  /** What a person should know of a worktree, though it is ready. */
  notesOf(slug: Slug): readonly string[] {
    return this.host.notes.of(slug);
  }

  /** True when something failed and it is time to try again: soon at first, then less often. */
  wantsRetry(): boolean {
    return this.#standing.wantsRetry();
  }

  /** Sees whether Postgres, which was away from the start, is there by now; a look follows then. */
  retryDatabase(): void {
    if (this.#preparation.done || !this.#databaseBackoff.isDue()) return;
    void this.#preparation.attempt().then(() => {
      if (this.#preparation.done) this.lookEverywhere().catch(() => {});
    });
  }

  /** Removes what branches left that were cut off. */
  sweep(): Promise<void> {
    return this.#preparation.sweep();
  }

  /** Settles when a look at this worktree that began after the call is over. */
  async lookAt(slug: Slug): Promise<void> {
    await this.#looks.request(slug);
  }

  /**
   * Runs an errand in a look at a worktree, so that nobody else works at it meanwhile.
   *
   * @throws UserError where it could not be run, as the worktree is not there or cannot be read
   */
  async runAt<Result>(slug: Slug, errand: Errand<Result>): Promise<Result> {
    const over = this.#errands.add(slug, errand);
    await this.#looks.request(slug);
    return over();
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
    return this.#seen.slugAt(gitDir);
  }

  /** Whether a look at this worktree began after something was heard of it (`performance.now()`). */
  lookedAfter(slug: Slug, heard: number): boolean {
    return this.#seen.lookedAfter(slug, heard);
  }

  /** Whether one began after a file's time of change, in milliseconds since the epoch. */
  lookedSince(slug: Slug, changed: number): boolean {
    return this.#seen.lookedSince(slug, changed);
  }

  /** Ends all services and takes their places: they begin anew when asked for. */
  async rest(): Promise<void> {
    await this.idle();
    this.#autostart.forgetAll();
    await Promise.all(
      this.worktrees.flatMap((worktree) =>
        worktree.services.map((service) => this.wakes.end(worktree, service)),
      ),
    );
  }

  /** Somebody asks for a worktree: the next look leaves nothing of it waiting for that. */
  askFor(slug: Slug): void {
    const worktree = this.#seen.find(slug);
    if (worktree) this.host.asked.add(worktree, this.worktrees);
  }

  /** Somebody asks for worktrees: what runs there by itself starts, now or when they are ready. */
  ask(slugs: readonly Slug[]): void {
    for (const slug of slugs) this.askFor(slug);
    for (const slug of slugs.filter((each) => this.#autostart.ask(each))) {
      const worktree = this.#seen.find(slug);
      if (worktree) this.#autostart.start(worktree, this.isProvisioned(slug));
    }
  }

  /** Settles when the services of a worktree may start; answers what keeps them from it. */
  async #readyForServices(slug: Slug, anew: boolean): Promise<readonly string[]> {
    this.askFor(slug);
    if (anew || !this.isProvisioned(slug)) await this.lookAt(slug);
    this.ask([slug]);
    return this.problemsOf(slug);
  }

  async #putOnPort(slug: Slug, name: Slug, wanted: boolean): Promise<Found | undefined> {
    const address = `${slug}/${name}`;
    if (wanted) await this.host.ports.allocate(address);
    else this.host.ports.release(address);
    await this.lookAt(slug);
    const worktree = this.#seen.find(slug);
    const service = worktree?.services.find((one) => one.slug === name);
    return worktree && service ? { worktree, service } : undefined;
  }

  async idle(): Promise<void> {
    await this.#fullLooks.idle();
    await this.#looks.idle();
  }

  async #gather(scope?: ReadonlySet<Slug>): Promise<Facts> {
    try {
      const facts = await gatherFacts(this.#gathering(), scope);
      this.#unreadable = "";
      return facts;
    } catch (error) {
      if (explain(error) !== this.#unreadable) this.#journal(`look failed: ${explain(error)}`);
      this.#unreadable = explain(error);
      throw error;
    }
  }

  /** Finds out which worktrees need a look; each is then looked at by itself. */
  async #lookEverywhere(): Promise<void> {
    await this.#preparation.attempt();
    const facts = await this.#gather();
    this.#remember(facts);
    this.#again.tell(facts.held);
    const kinds = await observe(facts, this.host);
    const { slugs, project } = touched(kinds);
    if (project) this.#tell(await reconcileProject(this.host, kinds), undefined);
    const due = facts.worktrees.filter(
      (worktree) => slugs.has(worktree.slug) || !this.isProvisioned(worktree.slug),
    );
    const gone = [...slugs].filter((slug) => !facts.worktrees.some((w) => w.slug === slug));
    // Not waited for here: one that takes long keeps nobody from noticing the others.
    for (const slug of [...due.map((w) => w.slug), ...gone]) {
      this.lookAt(slug).catch((error: unknown) =>
        this.#journal(`look at ${slug} failed: ${explain(error)}`),
      );
    }
  }

  async #look(slug: Slug, pause: Pause): Promise<void> {
    await this.#preparation.attempt();
    const known = this.#seen.find(slug);
    // Files come and go while git writes them, and services would with them.
    const { commonDir } = this.#gathering();
    await untilUnlocked(known?.gitDir ?? joinRaw(commonDir, "worktrees", slug), pause);
    const errands = this.#errands.take(slug);
    const scope = new Set([slug]);
    // What the watches have to tell by now is heard first, and needs no look of its own.
    await setImmediate();
    this.#seen.begin(slug);
    const facts = await this.#gather(scope);
    const chosen = this.#seen.defaultSlug;
    this.#remember(facts, slug);
    this.#again.tell(facts.held, slug);
    if (chosen !== facts.defaultSlug) void this.lookEverywhere().catch(() => {});
    if (facts.held.has(slug)) return;
    const worktree = facts.worktrees[0];
    for (const errand of worktree ? errands : []) if (worktree) await errand.run(worktree, facts);
    const outcome = await reconcile(facts, this.host, scope);
    if (worktree && outcome.done.some(({ kind }) => kind === "environment"))
      this.#seen.touched(slug, changeOfTop(worktree.path));
    noteOutcome(this.host, slug, this.#seen.find(slug), outcome);
    this.#tell(outcome, slug);
    if (worktree) this.#autostart.start(worktree, this.isProvisioned(slug));
  }

  #remember(facts: Facts, only?: Slug): void {
    this.#noticed(facts);
    // It changes together with what the bare addresses lead to.
    this.host.ports.setDefault(this.host.pointer.slug ?? facts.defaultSlug);
    for (const slug of this.#seen.remember(facts, only)) {
      this.#standing.forget(slug);
      this.#autostart.forget(slug);
      this.housekeeper.census.forgetUse(slug);
    }
  }

  #tell({ done, failures }: Outcome, slug: Slug | undefined): void {
    const lines = done.map((step) => `${describe(step)}: ${step.why}`);
    if (lines.length > 0) this.#journal(lines.join("\n"));
    const told = slug === undefined ? [] : this.problemsOf(slug);
    for (const { step, error } of failures) {
      // It is tried again and again, and said once.
      if (told.includes(explain(error))) continue;
      this.#journal(`${step ? describe(step) : "look"} failed: ${explain(error)}`);
    }
    if (slug === undefined) return;
    if (this.#seen.has(slug)) this.#standing.record(slug, failures);
    else this.#standing.recordGone(slug, failures);
  }
}
