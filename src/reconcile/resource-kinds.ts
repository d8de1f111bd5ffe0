import type { Facts } from "../discovery/facts.ts";
import type { Slug } from "../model/slug.ts";
import type { Kind, Step } from "../model/step.ts";
import { worktreeOf } from "../model/step.ts";
import { defaultServiceLinks } from "../resources/default-service-links.ts";
import { environment } from "../resources/environment.ts";
import { nginxRoute } from "../resources/nginx-route.ts";
import { postgresSchema } from "../resources/postgres-schema.ts";
import type { Resource } from "../resources/resource.ts";
import { runitService } from "../resources/runit-service.ts";
import type { StepContext } from "../resources/step-context.ts";
import { worktreeLogs } from "../resources/worktree-logs.ts";
import { plan } from "./plan.ts";

/** A step, with the function that applies it. */
export interface PlannedStep {
  readonly step: Step;
  apply(host: StepContext): Promise<void>;
}

export interface PlannedKind {
  readonly kind: Kind;
  readonly planned: readonly PlannedStep[];
  /** Warnings by key. */
  readonly troubles: ReadonlyMap<string, string>;
  /** The error of observing this kind. */
  readonly failed?: unknown;
}

type Planner = (facts: Facts, host: StepContext, scope?: ReadonlySet<Slug>) => Promise<PlannedKind>;

/** Wraps a resource so that resources of different types fit into one list. */
function planner<Want, Have>(resource: Resource<Want, Have>): Planner {
  return async (facts, host, scope) => {
    const { kind } = resource;
    try {
      const wants = resource.desired(facts);
      const haves = await resource.observe(host, scope);
      const steps = plan({ kind, wants, haves, differ: resource.compare });
      const ownerOf = (key: string) =>
        worktreeOf(key) ?? resource.owner?.(wants.get(key), haves.get(key));
      const planned = steps
        .filter(({ key }) => !facts.held.has(ownerOf(key) ?? ""))
        .map((step) => ({
          step,
          apply: (h: StepContext) =>
            resource.apply(h, step, wants.get(step.key), haves.get(step.key)),
        }));
      const troubles = [...haves].flatMap(([key, have]): [string, string][] => {
        const text = resource.warning?.(have);
        return text === undefined ? [] : [[key, text]];
      });
      return { kind, planned, troubles: new Map(troubles) };
    } catch (failed) {
      return { kind, planned: [], troubles: new Map(), failed };
    }
  };
}

/** All kinds, in the order in which they are created for a new worktree; they are removed in reverse. */
export const KINDS: readonly Planner[] = [
  planner(postgresSchema),
  planner(worktreeLogs),
  planner(environment),
  planner(nginxRoute),
  planner(runitService),
  planner(defaultServiceLinks),
];
