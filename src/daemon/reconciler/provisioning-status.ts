import { errorMessage } from "../../host/postgres/error-message.ts";
import { Backoff } from "../../host/timers/backoff.ts";
import type { Slug } from "../../model/slug.ts";
import type { Failure } from "../../reconcile/reconcile.ts";

/** Records the result of the last reconcile of each worktree: what failed, and when to retry. */
export class ProvisioningStatus {
  /** Error messages of worktrees where something failed. */
  readonly #problems = new Map<Slug, readonly string[]>();
  readonly #provisioned = new Set<Slug>();
  /** Removed worktrees of which resources remain. */
  readonly #leftovers = new Set<Slug>();
  readonly #withSchema = new Set<Slug>();
  readonly #backoff = new Backoff(400, 30_000);

  isProvisioned(slug: Slug): boolean {
    return this.#provisioned.has(slug);
  }

  problemsOf(slug: Slug): readonly string[] {
    return this.#problems.get(slug) ?? [];
  }

  /** Whether its schema was as wanted after the last reconcile, whatever else failed. */
  hasSchema(slug: Slug): boolean {
    return this.#withSchema.has(slug);
  }

  /** Records the result of reconciling an existing worktree. */
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

  /** Records the result of reconciling a removed worktree. */
  recordGone(slug: Slug, failures: readonly Failure[]): void {
    if (failures.length > 0) this.#leftovers.add(slug);
    else this.#leftovers.delete(slug);
  }

  forget(slug: Slug): void {
    this.#problems.delete(slug);
    this.#provisioned.delete(slug);
    this.#withSchema.delete(slug);
  }

  /** Whether something failed and a retry is due; retries back off from 0.4 s to 30 s. */
  isRetryDue(): boolean {
    if (this.#problems.size === 0 && this.#leftovers.size === 0) {
      this.#backoff.reset();
      return false;
    }
    return this.#backoff.isDue();
  }
}
