import type { Facts } from "../discovery/facts.ts";
import type { Slug } from "../model/slug.ts";
import type { Difference, Kind, Step } from "../model/step.ts";
import type { StepContext } from "./step-context.ts";

/**
 * A kind of thing that a worktree has. `want` and `differ` are pure; `have` only
 * reads and finds what is ours by its mark, orphans included; `apply` brings one
 * thing in line and may be cut off and repeated at any point.
 */
export interface Resource<Want, Have> {
  readonly kind: Kind;
  desired(facts: Facts): ReadonlyMap<string, Want>;
  /** With a scope only what belongs to those worktrees. */
  observe(host: StepContext, scope?: ReadonlySet<Slug>): Promise<ReadonlyMap<string, Have>>;
  compare(want: Want | undefined, have: Have | undefined): Difference | undefined;
  /** The worktree that a thing belongs to, where its key does not name it. */
  owner?(want: Want | undefined, have: Have | undefined): Slug | undefined;
  /** What a person should know of what is there, and can put right. */
  warning?(have: Have): string | undefined;
  apply(
    host: StepContext,
    step: Step,
    want: Want | undefined,
    have: Have | undefined,
  ): Promise<void>;
}
