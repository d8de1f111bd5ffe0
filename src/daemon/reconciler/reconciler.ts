import { setImmediate } from "node:timers/promises";
import {
  type FactSources,
  type Facts,
  readFacts,
  type WorktreeFacts,
} from "../../discovery/facts.ts";
import { joinRaw } from "../../host/fs/files.ts";
import { untilUnlocked } from "../../host/git/index-lock.ts";
import { isUnreachable } from "../../host/postgres/client.ts";
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
 * Reconciles the resources of worktrees with what is wanted. Triggers only name the worktree, or all;
 * each worktree is reconciled by at most one run at a time.
 */
export class Reconciler {
  readonly host: StepContext;
  readonly activator: ServiceActivator;
  readonly idleManager: IdleManager;
  readonly #sources: () => FactSources;
  readonly #journal: Journal;
  readonly #noticed: (facts: Facts) => void;
  readonly #runs: CoalescingQueue<Slug>;
  readonly #fullRuns: CoalescingQueue<"all">;
  readonly #cache = new WorktreeCache();
  readonly #recheck = new Recheck((slug) => void this.reconcile(slug).catch(() => {}));
  readonly #tasks = new ExclusiveTasks();
  readonly #status = new ProvisioningStatus();
  readonly #bootstrap: DatabaseBootstrap;
  readonly #databaseBackoff = new Backoff(250, 2_000);
  readonly #autostart: Autostart;
  /** The error of reading facts that was logged last. */
  #unreadable = "";

  constructor(
    gathering: () => FactSources,
    host: StepContext,
    journal: Journal,
    limits: () => Limits = () => ({}),
    noticed: (facts: Facts) => void = () => {},
  ) {
    this.#sources = gathering;
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
    this.#bootstrap = new DatabaseBootstrap(host.postgres, () => this.#cache.slugs, journal);
    this.#runs = new CoalescingQueue((slug, pause) => this.#reconcileOne(slug, pause));
    this.#fullRuns = new CoalescingQueue(() => this.#reconcileEverything());
  }

  /** The worktrees as read by the last reconciles. */
  get worktrees(): readonly WorktreeFacts[] {
    return this.#cache.all;
  }

  find(slug: Slug): WorktreeFacts | undefined {
    return this.#cache.find(slug);
  }

  isBusy(slug: Slug): boolean {
    return this.#runs.isBusy(slug);
  }

  isProvisioned(slug: Slug): boolean {
    return this.#status.isProvisioned(slug);
  }

  problemsOf(slug: Slug): readonly string[] {
    return this.#status.problemsOf(slug);
  }

  /** Whether every worktree has its schema, even if something else of it keeps failing. */
  isSettled(): boolean {
    return this.#bootstrap.done && this.#cache.slugs.every((slug) => this.#status.hasSchema(slug));
  }

  /** Warnings about a worktree that do not keep it from being ready. */
  warningsOf(slug: Slug): readonly string[] {
    return this.host.warnings.of(slug);
  }

  /** Whether something failed and a retry is due; retries back off. */
  isRetryDue(): boolean {
    return this.#status.isRetryDue();
  }

  /**
   * Tries again to prepare the database if Postgres was not reachable yet; on success reconciles everything.
   */
  retryDatabase(): void {
    if (this.#bootstrap.done || !this.#databaseBackoff.isDue()) return;
    void this.#bootstrap.attempt().then(() => {
      if (this.#bootstrap.done) this.reconcileAll().catch(() => {});
    });
  }

  /** Removes what is left of interrupted branches. */
  sweep(): Promise<void> {
    return this.#bootstrap.sweep();
  }

  /** Resolves when a reconcile of this worktree that started after the call has finished. */
  async reconcile(slug: Slug): Promise<void> {
    await this.#runs.request(slug);
  }

  /**
   * Runs a task within a reconcile of a worktree, so that nothing else changes the worktree meanwhile.
   *
   * @throws UserError when it was not run, because the worktree is missing or cannot be read
   */
  async runAt<Result>(slug: Slug, task: ExclusiveTask<Result>): Promise<Result> {
    const over = this.#tasks.add(slug, task);
    await this.#runs.request(slug);
    return over();
  }

  async reconcileAll(): Promise<void> {
    await this.#fullRuns.request("all");
    await this.#runs.idle();
  }

  /** Returns the steps that a reconcile would apply, with their reasons. Changes nothing. */
  async plan(): Promise<PlanReport> {
    const kinds = await observe(await this.#gather(), this.host);
    return {
      steps: kinds.flatMap(({ planned }) => planned.map(({ step }) => step)),
      problems: kinds.flatMap(({ failed }) => (failed === undefined ? [] : [errorMessage(failed)])),
    };
  }

  /** Reads the slug of the worktree with this administrative directory. */
  slugOfGitDir(gitDir: Uint8Array): Slug | undefined {
    return this.#sources().reader.slugAt(gitDir);
  }

  /** Returns the slug of a worktree known from the last reconcile, which may have been removed since. */
  slugOfKnownGitDir(gitDir: Uint8Array): Slug | undefined {
    return this.#cache.slugAt(gitDir);
  }

  /** Whether a reconcile of this worktree started after an event at `heard` (`performance.now()`). */
  reconciledAfter(slug: Slug, heard: number): boolean {
    return this.#cache.reconciledAfter(slug, heard);
  }

  /** Whether a reconcile of this worktree started after an mtime, in milliseconds since the epoch. */
  reconciledSince(slug: Slug, changed: number): boolean {
    return this.#cache.reconciledSince(slug, changed);
  }

  /** Stops all services and disposes of their service directories; the next request starts them again. */
  async stopAllServices(): Promise<void> {
    await this.idle();
    this.#autostart.forgetAll();
    await Promise.all(
      this.worktrees.flatMap((worktree) =>
        worktree.services.map((service) => this.activator.dispose(worktree, service)),
      ),
    );
  }

  /** Marks a worktree as requested, so that the next reconcile provisions it fully, lazy parts included. */
  markRequested(slug: Slug): void {
    const worktree = this.#cache.find(slug);
    if (worktree) this.host.requested.add(worktree, this.worktrees);
  }

  /** Marks worktrees as requested and starts their `always` services, now or as soon as they are ready. */
  startRequested(slugs: readonly Slug[]): void {
    for (const slug of slugs) this.markRequested(slug);
    for (const slug of slugs.filter((each) => this.#autostart.ask(each))) {
      const worktree = this.#cache.find(slug);
      if (worktree) this.#autostart.start(worktree, this.isProvisioned(slug));
    }
  }

  /** Provisions a worktree for its services; returns the problems that keep them from starting. */
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
    const worktree = this.#cache.find(slug);
    const service = worktree?.services.find((one) => one.slug === name);
    return worktree && service ? { worktree, service } : undefined;
  }

  async idle(): Promise<void> {
    await this.#fullRuns.idle();
    await this.#runs.idle();
  }

  async #gather(scope?: ReadonlySet<Slug>): Promise<Facts> {
    try {
      const facts = await readFacts(this.#sources(), scope);
      this.#unreadable = "";
      return facts;
    } catch (error) {
      if (errorMessage(error) !== this.#unreadable)
        this.#journal(`reading worktrees failed: ${errorMessage(error)}`);
      this.#unreadable = errorMessage(error);
      throw error;
    }
  }

  /** Reads everything, and requests a reconcile of each worktree that needs one. */
  async #reconcileEverything(): Promise<void> {
    await this.#bootstrap.attempt();
    const facts = await this.#gather();
    this.#remember(facts);
    this.#recheck.schedule(facts.held);
    const kinds = await observe(facts, this.host);
    const { slugs, project } = scopeOf(kinds);
    if (project) this.#log(await reconcileProject(this.host, kinds), undefined);
    const due = facts.worktrees.filter(
      (worktree) => slugs.has(worktree.slug) || !this.isProvisioned(worktree.slug),
    );
    const gone = [...slugs].filter((slug) => !facts.worktrees.some((w) => w.slug === slug));
    // Do not wait: a slow reconcile must not delay the discovery of other changes.
    for (const slug of [...due.map((w) => w.slug), ...gone]) {
      this.reconcile(slug).catch((error: unknown) =>
        this.#journal(`reconcile of ${slug} failed: ${errorMessage(error)}`),
      );
    }
  }

  async #reconcileOne(slug: Slug, pause: Pause): Promise<void> {
    await this.#bootstrap.attempt();
    const known = this.#cache.find(slug);
    // While git is writing the files, services would come and go with them.
    const { commonDir } = this.#sources();
    await untilUnlocked(known?.gitDir ?? joinRaw(commonDir, "worktrees", slug), pause);
    const tasks = this.#tasks.take(slug);
    const scope = new Set([slug]);
    // Let pending watch events be delivered first, so that this run covers them.
    await setImmediate();
    this.#cache.begin(slug);
    const facts = await this.#gather(scope);
    const chosen = this.#cache.defaultSlug;
    this.#remember(facts, slug);
    this.#recheck.schedule(facts.held, slug);
    if (chosen !== facts.defaultSlug) void this.reconcileAll().catch(() => {});
    if (facts.held.has(slug)) return;
    const worktree = facts.worktrees[0];
    for (const task of worktree ? tasks : []) if (worktree) await task.run(worktree, facts);
    const outcome = await reconcile(facts, this.host, scope);
    if (worktree && outcome.done.some(({ kind }) => kind === "environment"))
      this.#cache.recordOwnChange(slug, changeTimeOf(worktree.path));
    recordOutcome(this.host, slug, this.#cache.find(slug), outcome);
    this.#log(outcome, slug);
    if (worktree) this.#autostart.start(worktree, this.isProvisioned(slug));
  }

  #remember(facts: Facts, only?: Slug): void {
    this.#noticed(facts);
    // Switch it together with the addresses without a name, which may lag behind the facts.
    this.host.ports.setDefault(this.host.pointer.slug ?? facts.defaultSlug);
    for (const slug of this.#cache.remember(facts, only)) {
      this.#status.forget(slug);
      this.#autostart.forget(slug);
      this.idleManager.usageTracker.forgetUse(slug);
    }
  }

  #log({ done, failures }: Outcome, slug: Slug | undefined): void {
    const lines = done.map((step) => `${formatStep(step)}: ${step.why}`);
    if (lines.length > 0) this.#journal(lines.join("\n"));
    const logged = slug === undefined ? [] : this.problemsOf(slug);
    for (const { step, error } of failures) {
      // Retries fail with the same message: log it once.
      if (logged.includes(errorMessage(error))) continue;
      if (!step && isUnreachable(error)) this.#journal("waiting for Postgres");
      else this.#journal(`${step ? formatStep(step) : "observe"} failed: ${errorMessage(error)}`);
    }
    if (slug === undefined) return;
    if (this.#cache.has(slug)) this.#status.record(slug, failures);
    else this.#status.recordGone(slug, failures);
  }
}
