import type { Facts } from "../discovery/facts.ts";
import type { Slug } from "../model/slug.ts";
import { type Kind, type Step, worktreeOf } from "../model/step.ts";
import type { StepContext } from "../resources/step-context.ts";
import { KINDS, type PlannedKind, type PlannedStep } from "./resource-kinds.ts";

/** What went wrong with one step or one kind. */
export interface Failure {
  readonly kind: Kind;
  readonly step?: Step;
  readonly error: unknown;
}

export interface Outcome {
  readonly done: readonly Step[];
  readonly failures: readonly Failure[];
  /** By key; as they were seen before anything was done. */
  readonly troubles: ReadonlyMap<string, string>;
}

/** Looks, and says what would be done. Nothing is changed. */
export async function observe(
  facts: Facts,
  host: StepContext,
  scope?: ReadonlySet<Slug>,
): Promise<PlannedKind[]> {
  return Promise.all(KINDS.map((look) => look(facts, host, scope)));
}

/**
 * Looks at one scope and brings it in line. A failing step does not keep the
 * others from being done: the next look tries it again.
 */
export async function reconcile(
  facts: Facts,
  host: StepContext,
  scope?: ReadonlySet<Slug>,
): Promise<Outcome> {
  return applyAll(host, await observe(facts, host, scope));
}

/** Of a look at everything only what belongs to no worktree. */
export async function reconcileProject(
  host: StepContext,
  kinds: readonly PlannedKind[],
): Promise<Outcome> {
  return applyAll(
    host,
    kinds.map(({ planned, ...kind }) => ({
      ...kind,
      planned: planned.filter(({ step }) => worktreeOf(step.key) === undefined),
    })),
  );
}

async function applyAll(host: StepContext, kinds: readonly PlannedKind[]): Promise<Outcome> {
  const failures: Failure[] = kinds.flatMap(({ kind, failed }) =>
    failed === undefined ? [] : [{ kind, error: failed }],
  );
  const done: Step[] = [];
  const run = async ({ step, apply }: PlannedStep) => {
    try {
      await apply(host);
      done.push(step);
    } catch (error) {
      failures.push({ kind: step.kind, step, error });
    }
  };
  const takesAway = ({ step }: PlannedStep) =>
    step.action === "remove" || step.action === "retire" || step.action === "replace";
  // What serves ends before what it serves from; what is new comes the other way round.
  for (const { planned } of [...kinds].reverse()) {
    await Promise.all(planned.filter((p) => takesAway(p)).map(run));
  }
  await Promise.all(
    kinds.map(({ planned }) => Promise.all(planned.filter((p) => !takesAway(p)).map(run))),
  );
  return { done, failures, troubles: new Map(kinds.flatMap(({ troubles }) => [...troubles])) };
}

/** The worktrees that a plan touches, and whether it touches something of the project's own. */
export function scopeOf(kinds: readonly PlannedKind[]): { slugs: Set<Slug>; project: boolean } {
  const keys = kinds.flatMap(({ planned }) => planned.map(({ step }) => step.key));
  const slugs = keys.flatMap((key) => worktreeOf(key) ?? []);
  return { slugs: new Set(slugs), project: slugs.length < keys.length };
}
