import { setImmediate } from "node:timers/promises";
import {
  type FactSources,
  type Facts,
  readFacts,
  type WorktreeFacts,
} from "../../discovery/facts.ts";
import { joinRaw } from "../../host/fs/files.ts";
import { untilUnlocked } from "../../host/git/index-lock.ts";
import { errorMessage } from "../../host/postgres/error-message.ts";
import { Backoff } from "../../host/timers/backoff.ts";
import type { Journal } from "../../model/journal.ts";
import type { PlanReport } from "../../model/reports.ts";
import type { Slug } from "../../model/slug.ts";
import { formatStep } from "../../reconcile/messages.ts";
import { recordOutcome } from "../../reconcile/outcome.ts";
import {
  type Outcome,
  observe,
  reconcile,
  reconcileProject,
  scopeOf,
} from "../../reconcile/reconcile.ts";
import type { StepContext } from "../../resources/step-context.ts";
import type { ServiceActivator } from "../../services/activator.ts";
import type { ServiceRef } from "../../services/activator-dependencies.ts";
import { Autostart } from "../../services/autostart.ts";
import type { Limits } from "../../services/eviction-policy.ts";
import { IdleManager } from "../../services/idle-manager.ts";
import { changeTimeOf } from "../watch/change-poll.ts";
import { CoalescingQueue, type Pause } from "./coalescing-queue.ts";
import { DatabaseBootstrap } from "./database-bootstrap.ts";
import { type ExclusiveTask, ExclusiveTasks } from "./exclusive-tasks.ts";
import { ProvisioningStatus } from "./provisioning-status.ts";
import { Recheck } from "./recheck.ts";
import { WorktreeCache } from "./worktree-cache.ts";

/**
 * Keeps what is there in line with what is wanted. Any trigger says "look again",
 * at one worktree or at all; a worktree is worked at by one look at a time.
 */
export class Reconciler {
  readonly host: StepContext;
  readonly activator: ServiceActivator;
  readonly idleManager: IdleManager;
  readonly #gathering: () => FactSources;
  readonly #journal: Journal;
  readonly #noticed: (facts: Facts) => void;
  readonly #looks: CoalescingQueue<Slug>;
  readonly #fullLooks: CoalescingQueue<"all">;
  readonly #seen = new WorktreeCache();
  readonly #again = new Recheck((slug) => void this.reconcile(slug).catch(() => {}));
  readonly #errands = new ExclusiveTasks();
  readonly #standing = new ProvisioningStatus();
  readonly #preparation: DatabaseBootstrap;
  readonly #databaseBackoff = new Backoff(250, 2_000);
  readonly #autostart: Autostart;
  /** Why nothing can be seen, as it was told last. */
  #unreadable = "";

  constructor(
    gathering: () => FactSources,
    host: StepContext,
    journal: Journal,
    limits: () => Limits = () => ({}),
    noticed: (facts: Facts) => void = () => {},
  ) {
    this.#gathering = gathering;
    this.#noticed = noticed;
    this.host = host;
    this.#journal = journal;
    this.idleManager = new IdleManager({
      host,
      worktrees: () => this.worktrees,
      ready: (slug, anew) => this.#readyForServices(slug, anew),
      onPort: (slug, service, wanted) => this.#putOnPort(slug, service, wanted),
      limits,
      journal,
    });
    this.activator = this.idleManager.activator;
    this.#autostart = new Autostart(host.serviceDirectories, this.activator, journal);
    this.#preparation = new DatabaseBootstrap(host.postgres, () => this.#seen.slugs, journal);
    this.#looks = new CoalescingQueue((slug, pause) => this.#look(slug, pause));
    this.#fullLooks = new CoalescingQueue(() => this.#lookEverywhere());
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
  warningsOf(slug: Slug): readonly string[] {
    return this.host.warnings.of(slug);
  }

  /** True when something failed and it is time to try again: soon at first, then less often. */
  isRetryDue(): boolean {
    return this.#standing.isRetryDue();
  }

  /** Sees whether Postgres, which was away from the start, is there by now; a look follows then. */
  retryDatabase(): void {
    if (this.#preparation.done || !this.#databaseBackoff.isDue()) return;
    void this.#preparation.attempt().then(() => {
      if (this.#preparation.done) this.reconcileAll().catch(() => {});
    });
  }

  /** Removes what branches left that were cut off. */
  sweep(): Promise<void> {
    return this.#preparation.sweep();
  }

  /** Settles when a look at this worktree that began after the call is over. */
  async reconcile(slug: Slug): Promise<void> {
    await this.#looks.request(slug);
  }

  /**
   * Runs an errand in a look at a worktree, so that nobody else works at it meanwhile.
   *
   * @throws UserError where it could not be run, as the worktree is not there or cannot be read
   */
  async runAt<Result>(slug: Slug, errand: ExclusiveTask<Result>): Promise<Result> {
    const over = this.#errands.add(slug, errand);
    await this.#looks.request(slug);
    return over();
  }

  async reconcileAll(): Promise<void> {
    await this.#fullLooks.request("all");
    await this.#looks.idle();
  }

  /** What a look would do, and why. Changes nothing. */
  async plan(): Promise<PlanReport> {
    const kinds = await observe(await this.#gather(), this.host);
    return {
      steps: kinds.flatMap(({ planned }) => planned.map(({ step }) => step)),
      problems: kinds.flatMap(({ failed }) => (failed === undefined ? [] : [errorMessage(failed)])),
    };
  }

  /** The slug of the worktree whose administrative directory this is. */
  slugOfGitDir(gitDir: Uint8Array): Slug | undefined {
    return this.#gathering().reader.slugAt(gitDir);
  }

  /** The same of one that was there at the last look; it may be gone. */
  slugOfKnownGitDir(gitDir: Uint8Array): Slug | undefined {
    return this.#seen.slugAt(gitDir);
  }

  /** Whether a look at this worktree began after something was heard of it (`performance.now()`). */
  reconciledAfter(slug: Slug, heard: number): boolean {
    return this.#seen.reconciledAfter(slug, heard);
  }

  /** Whether one began after a file's time of change, in milliseconds since the epoch. */
  reconciledSince(slug: Slug, changed: number): boolean {
    return this.#seen.reconciledSince(slug, changed);
  }

  /** Ends all services and takes their places: they begin anew when asked for. */
  async stopAllServices(): Promise<void> {
    await this.idle();
    this.#autostart.forgetAll();
    await Promise.all(
      this.worktrees.flatMap((worktree) =>
        worktree.services.map((service) => this.activator.dispose(worktree, service)),
      ),
    );
  }

  /** Somebody asks for a worktree: the next look leaves nothing of it waiting for that. */
  markRequested(slug: Slug): void {
    const worktree = this.#seen.find(slug);
    if (worktree) this.host.requested.add(worktree, this.worktrees);
  }

  /** Somebody asks for worktrees: what runs there by itself starts, now or when they are ready. */
  startRequested(slugs: readonly Slug[]): void {
    for (const slug of slugs) this.markRequested(slug);
    for (const slug of slugs.filter((each) => this.#autostart.ask(each))) {
      const worktree = this.#seen.find(slug);
      if (worktree) this.#autostart.start(worktree, this.isProvisioned(slug));
    }
  }

  /** Settles when the services of a worktree may start; answers what keeps them from it. */
  async #readyForServices(slug: Slug, anew: boolean): Promise<readonly string[]> {
    this.markRequested(slug);
    if (anew || !this.isProvisioned(slug)) await this.reconcile(slug);
    this.startRequested([slug]);
    return this.problemsOf(slug);
  }

  async #putOnPort(slug: Slug, name: Slug, wanted: boolean): Promise<ServiceRef | undefined> {
    const address = `${slug}/${name}`;
    if (wanted) await this.host.ports.allocate(address);
    else this.host.ports.release(address);
    await this.reconcile(slug);
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
      const facts = await readFacts(this.#gathering(), scope);
      this.#unreadable = "";
      return facts;
    } catch (error) {
      if (errorMessage(error) !== this.#unreadable)
        this.#journal(`look failed: ${errorMessage(error)}`);
      this.#unreadable = errorMessage(error);
      throw error;
    }
  }

  /** Finds out which worktrees need a look; each is then looked at by itself. */
  async #lookEverywhere(): Promise<void> {
    await this.#preparation.attempt();
    const facts = await this.#gather();
    this.#remember(facts);
    this.#again.schedule(facts.held);
    const kinds = await observe(facts, this.host);
    const { slugs, project } = scopeOf(kinds);
    if (project) this.#tell(await reconcileProject(this.host, kinds), undefined);
    const due = facts.worktrees.filter(
      (worktree) => slugs.has(worktree.slug) || !this.isProvisioned(worktree.slug),
    );
    const gone = [...slugs].filter((slug) => !facts.worktrees.some((w) => w.slug === slug));
    // Not waited for here: one that takes long keeps nobody from noticing the others.
    for (const slug of [...due.map((w) => w.slug), ...gone]) {
      this.reconcile(slug).catch((error: unknown) =>
        this.#journal(`look at ${slug} failed: ${errorMessage(error)}`),
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
    this.#again.schedule(facts.held, slug);
    if (chosen !== facts.defaultSlug) void this.reconcileAll().catch(() => {});
    if (facts.held.has(slug)) return;
    const worktree = facts.worktrees[0];
    for (const errand of worktree ? errands : []) if (worktree) await errand.run(worktree, facts);
    const outcome = await reconcile(facts, this.host, scope);
    if (worktree && outcome.done.some(({ kind }) => kind === "environment"))
      this.#seen.recordOwnChange(slug, changeTimeOf(worktree.path));
    recordOutcome(this.host, slug, this.#seen.find(slug), outcome);
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
      this.idleManager.usageTracker.forgetUse(slug);
    }
  }

  #tell({ done, failures }: Outcome, slug: Slug | undefined): void {
    const lines = done.map((step) => `${formatStep(step)}: ${step.why}`);
    if (lines.length > 0) this.#journal(lines.join("\n"));
    const told = slug === undefined ? [] : this.problemsOf(slug);
    for (const { step, error } of failures) {
      // It is tried again and again, and said once.
      if (told.includes(errorMessage(error))) continue;
      this.#journal(`${step ? formatStep(step) : "look"} failed: ${errorMessage(error)}`);
    }
    if (slug === undefined) return;
    if (this.#seen.has(slug)) this.#standing.record(slug, failures);
    else this.#standing.recordGone(slug, failures);
  }
}
