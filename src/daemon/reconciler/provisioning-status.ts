import { errorMessage } from "../../host/postgres/error-message.ts";
import { Backoff } from "../../host/timers/backoff.ts";
import type { Slug } from "../../model/slug.ts";
import type { Failure } from "../../reconcile/reconcile.ts";

/** How the worktrees stand after the last look at each: what failed, and when to try again. */
export class ProvisioningStatus {
  /** Of those where something failed. */
  readonly #problems = new Map<Slug, readonly string[]>();
  readonly #provisioned = new Set<Slug>();
  /** Worktrees that are gone and of which something is still there. */
  readonly #leftovers = new Set<Slug>();
  readonly #withSchema = new Set<Slug>();
  readonly #backoff = new Backoff(400, 30_000);

  isProvisioned(slug: Slug): boolean {
    return this.#provisioned.has(slug);
  }

  problemsOf(slug: Slug): readonly string[] {
    return this.#problems.get(slug) ?? [];
  }

  /** Whether its schema was in line at the last look, whatever else failed. */
  hasSchema(slug: Slug): boolean {
    return this.#withSchema.has(slug);
  }

  /** Takes in what a look at a worktree that is there came to. */
  record(slug: Slug, failures: readonly Failure[]): void {
    this.#leftovers.delete(slug);
    if (failures.some(({ kind }) => kind === "schema")) this.#withSchema.delete(slug);
    else this.#withSchema.add(slug);
    if (failures.length === 0) {
      this.#problems.delete(slug);
      this.#provisioned.add(slug);
      return;
    }
    this.#problems.set(slug, [...new Set(failures.map(({ error }) => errorMessage(error)))]);
    this.#provisioned.delete(slug);
  }

  /** The same for one that is gone. */
  recordGone(slug: Slug, failures: readonly Failure[]): void {
    if (failures.length > 0) this.#leftovers.add(slug);
    else this.#leftovers.delete(slug);
  }

  forget(slug: Slug): void {
    this.#problems.delete(slug);
    this.#provisioned.delete(slug);
    this.#withSchema.delete(slug);
  }

  /** True when something failed and it is time to try again: soon at first, then less often. */
  isRetryDue(): boolean {
    if (this.#problems.size === 0 && this.#leftovers.size === 0) {
      this.#backoff.reset();
      return false;
    }
    return this.#backoff.isDue();
  }
}
