import type { Facts } from "../discovery/facts.ts";
import type { Slug } from "../model/slug.ts";
import type { Difference, Kind, Step } from "../model/step.ts";
import type { StepContext } from "./step-context.ts";

/**
 * A kind of resource that worktrees have. `desired` and `compare` are pure; `observe` only reads, and
 * finds ikigai's resources by their mark, even without a worktree; `apply` carries out one step and can
 * be interrupted at any point and repeated.
 */
export interface Resource<Want, Have> {
  readonly kind: Kind;
  desired(facts: Facts): ReadonlyMap<string, Want>;
  /** Observes everything, or only what belongs to the worktrees in `scope`. */
  observe(host: StepContext, scope?: ReadonlySet<Slug>): Promise<ReadonlyMap<string, Have>>;
  compare(want: Want | undefined, have: Have | undefined): Difference | undefined;
  /** Returns the worktree that owns a resource whose key does not name it. */
  owner?(want: Want | undefined, have: Have | undefined): Slug | undefined;
  /** Returns a warning about an observed resource that a user can act on. */
  warning?(have: Have): string | undefined;
  apply(
    host: StepContext,
    step: Step,
    want: Want | undefined,
    have: Have | undefined,
  ): Promise<void>;
}
