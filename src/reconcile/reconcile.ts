import type { Facts } from "../discovery/facts.ts";
import type { Slug } from "../model/slug.ts";
import { type Kind, type Step, worktreeOf } from "../model/step.ts";
import type { StepContext } from "../resources/step-context.ts";
import { KINDS, type PlannedKind, type PlannedStep } from "./resource-kinds.ts";

/** The error of one step, or of observing one kind. */
export interface Failure {
  readonly kind: Kind;
  readonly step?: Step;
  readonly error: unknown;
}

export interface Outcome {
  readonly done: readonly Step[];
  readonly failures: readonly Failure[];
  /** Warnings by key, as observed before any step was applied. */
  readonly troubles: ReadonlyMap<string, string>;
}

/** Observes all kinds and plans the steps. Changes nothing. */
export async function observe(
  facts: Facts,
  host: StepContext,
  scope?: ReadonlySet<Slug>,
): Promise<PlannedKind[]> {
  return Promise.all(KINDS.map((look) => look(facts, host, scope)));
}

/**
 * Observes, plans and applies one scope. A failing step does not prevent the others; the next reconcile
 * retries it.
 */
export async function reconcile(
  facts: Facts,
  host: StepContext,
  scope?: ReadonlySet<Slug>,
): Promise<Outcome> {
  return applyAll(host, await observe(facts, host, scope));
}

/** Applies only the planned steps that belong to no worktree. */
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
  // Remove in reverse order: a service ends before the schema and environment it uses.
  for (const { planned } of [...kinds].reverse()) {
    await Promise.all(planned.filter((p) => takesAway(p)).map(run));
  }
  await Promise.all(
    kinds.map(({ planned }) => Promise.all(planned.filter((p) => !takesAway(p)).map(run))),
  );
  return { done, failures, troubles: new Map(kinds.flatMap(({ troubles }) => [...troubles])) };
}

/** Returns the worktrees that a plan changes, and whether it changes something that belongs to none. */
export function scopeOf(kinds: readonly PlannedKind[]): { slugs: Set<Slug>; project: boolean } {
  const keys = kinds.flatMap(({ planned }) => planned.map(({ step }) => step.key));
  const slugs = keys.flatMap((key) => worktreeOf(key) ?? []);
  return { slugs: new Set(slugs), project: slugs.length < keys.length };
}
