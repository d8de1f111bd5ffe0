import type { StartPolicy } from "./worktree.ts";

/** Whether a service starts without a request. The default worktree's services do, unless `manual`. */
export function startsByItself(policy: StartPolicy, isDefault: boolean): boolean {
  return policy === "always" || (policy === "on-demand" && isDefault);
}

/** Whether a service may be stopped when it is idle. */
export function stopsWhenIdle(policy: StartPolicy, isDefault: boolean): boolean {
  return policy === "on-demand" && !isDefault;
}
