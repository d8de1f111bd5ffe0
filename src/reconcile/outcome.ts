import type { WorktreeFacts } from "../discovery/facts.ts";
import { toBuffer } from "../host/fs/files.ts";
import type { Slug } from "../model/slug.ts";
import type { StepContext } from "../resources/step-context.ts";
import type { Outcome } from "./reconcile.ts";

/** Stores the warnings observed before a reconcile, unless one of its steps has set newer ones itself. */
export function recordOutcome(
  { warnings, branchOptions }: StepContext,
  slug: Slug,
  worktree: WorktreeFacts | undefined,
  { troubles, done, failures }: Outcome,
): void {
  if (!worktree) warnings.delete(slug);
  if (!worktree || failures.length > 0) return;
  branchOptions.delete(toBuffer(worktree.path).toString());
  if (done.some(({ kind }) => kind === "schema")) return;
  warnings.set(slug, "schema", troubles.get(slug));
  warnings.set(slug, "setup", undefined);
}
