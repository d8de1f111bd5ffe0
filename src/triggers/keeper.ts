import {
  type Outcome,
  observe,
  reconcile,
  reconcileProject,
  touched,
} from "../engine/reconcile.ts";
import { Wakes } from "../engine/wake.ts";
import { type Facts, type Gathering, gatherFacts, type WorktreeFacts } from "../facts/facts.ts";
import { readWorktrees } from "../facts/worktrees.ts";
import type { Host } from "../host/host.ts";
import { isUnreachable } from "../host/postgres/client.ts";
import { prepareDatabase } from "../host/postgres/schemas.ts";
import type { Step } from "../model/change.ts";
import { serviceConfiguration } from "../model/configuration.ts";
import type { PlanReport } from "../model/report.ts";
import type { Slug } from "../model/slug.ts";
import { startsByItself, stopsWhenIdle } from "../model/start-policy.ts";
import { Queue } from "./queue.ts";

/** Told of everything that was done or failed; for the daemon's log. */
export type Journal = (line: string) => void;

/**
 * Keeps what is there in line with what is wanted. Any trigger says "look again",
 * at one worktree or at all; a worktree is worked at by one look at a time.
 */
export class Keeper {
  readonly host: Host;
  readonly wakes: Wakes;
  readonly #gathering: () => Gathering;
  readonly #journal: Journal;
  readonly #looks: Queue<Slug>;
  readonly #fullLooks: Queue<"all">;
  readonly #known = new Map<Slug, WorktreeFacts>();
  readonly #problems = new Map<Slug, readonly string[]>();
  readonly #provisioned = new Set<Slug>();
  #defaultSlug: Slug | undefined;
  #prepared = false;

  constructor(gathering: () => Gathering, host: Host, journal: Journal) {
    this.#gathering = gathering;
    this.host = host;
    this.#journal = journal;
    this.wakes = new Wakes(host);
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

  /** True while something failed at the last look and should be tried again. */
  hasProblems(): boolean {
    return !this.#prepared || [...this.#problems.values()].some((problems) => problems.length > 0);
  }

  /** Settles when a look at this worktree that began after the call is over. */
  lookAt(slug: Slug): Promise<void> {
    return this.#looks.request(slug);
  }

  lookEverywhere(): Promise<void> {
    return this.#fullLooks.request("all");
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
    return readWorktrees(this.#gathering().commonDir).find(
      (w) => Buffer.compare(w.gitDir, gitDir) === 0,
    )?.slug;
  }

  /** Takes the places of services that only run on demand: they begin anew when asked for. */
  async rest(): Promise<void> {
    await this.idle();
    await Promise.all(
      this.worktrees.flatMap((worktree) =>
        worktree.services.map(async (service) => {
          const { start } = serviceConfiguration(worktree.settings, service.name);
          if (stopsWhenIdle(start, worktree.isDefault)) await this.wakes.rest(worktree, service);
        }),
      ),
    );
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
    const kinds = await observe(facts, this.host);
    const { slugs, project } = touched(kinds);
    if (project) this.#tell(await reconcileProject(this.host, kinds), undefined);
    const due = facts.worktrees.filter(
      (worktree) => slugs.has(worktree.slug) || !this.#provisioned.has(worktree.slug),
    );
    const gone = [...slugs].filter((slug) => !facts.worktrees.some((w) => w.slug === slug));
    await Promise.all([...due.map((w) => w.slug), ...gone].map((slug) => this.lookAt(slug)));
  }

  async #look(slug: Slug): Promise<void> {
    await this.#prepare();
    const scope = new Set([slug]);
    const facts = await this.#gather(scope);
    if (facts.held.has(slug)) return;
    this.#remember(facts, slug);
    this.#tell(await reconcile(facts, this.host, scope), slug);
    const worktree = facts.worktrees[0];
    if (worktree) this.#startServices(worktree);
  }

  #remember(facts: Facts, only?: Slug): void {
    this.#defaultSlug = facts.defaultSlug;
    this.host.ports.setDefault(facts.defaultSlug);
    const seen = new Set(facts.worktrees.map((w) => w.slug));
    for (const slug of only ? [only] : [...this.#known.keys()]) {
      if (seen.has(slug) || facts.held.has(slug)) continue;
      this.#known.delete(slug);
      this.#problems.delete(slug);
      this.#provisioned.delete(slug);
    }
    for (const worktree of facts.worktrees) this.#known.set(worktree.slug, worktree);
  }

  #tell({ done, failures }: Outcome, slug: Slug | undefined): void {
    for (const step of done) this.#journal(`${describe(step)}: ${step.why}`);
    for (const { step, error } of failures) {
      this.#journal(`${step ? describe(step) : "look"} failed: ${explain(error)}`);
    }
    if (slug === undefined || !this.#known.has(slug)) return;
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
    for (const service of worktree.services) {
      const key = `${worktree.slug}.${service.slug}`;
      const { start } = serviceConfiguration(worktree.settings, service.name);
      if (!service.backend || !startsByItself(start, worktree.isDefault)) continue;
      if (this.host.slots.has(key) || !this.#provisioned.has(worktree.slug)) continue;
      void this.wakes.wake(worktree, service).then((result) => {
        if (!result.awake) this.#journal(`service ${key} did not start: ${result.why}`);
      });
    }
  }

  /** What a database needs once, before its first schema. */
  async #prepare(): Promise<void> {
    if (this.#prepared) return;
    try {
      await prepareDatabase(this.host.postgres);
      this.#prepared = true;
    } catch (error) {
      if (!isUnreachable(error)) throw error;
    }
  }
}

function describe({ kind, action, key }: Step): string {
  return `${action} ${kind} ${key}`;
}

function explain(error: unknown): string {
  if (isUnreachable(error)) return "Postgres does not answer; type: pg_ctl start";
  return error instanceof Error ? error.message : String(error);
}
