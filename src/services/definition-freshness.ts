import { startTaskOf } from "../discovery/deno-task.ts";
import type { WorktreeFacts } from "../discovery/facts.ts";
import { sha256 } from "../host/fs/files.ts";
import type { Service } from "../model/worktree.ts";
import type { StepContext } from "../resources/step-context.ts";

/**
 * Tells whether a service's definition matches its files, which may have changed since the last reconcile.
 */
export function isCurrent(
  { definitions }: StepContext,
  worktree: WorktreeFacts,
  service: Service,
): boolean {
  const { backend } = service;
  if (backend?.launch.kind === "deno-task") {
    const task = startTaskOf(backend.directory, backend.launch.file);
    if (task?.command !== backend.launch.command) return false;
  }
  const checked = worktree.checked(service);
  if (!checked) return true;
  return sha256(checked.content) === definitions.approvedHash(`${worktree.slug}.${service.slug}`);
}
