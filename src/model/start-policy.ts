import type { StartPolicy } from "./worktree.ts";

/** Whether a service runs without anybody asking for it. The one place that decides it. */
export function startsByItself(policy: StartPolicy, isDefault: boolean): boolean {
  return policy === "always" || (policy === "on-demand" && isDefault);
}

/** Whether a service may be stopped when nobody has used it for a while. */
export function stopsWhenIdle(policy: StartPolicy, isDefault: boolean): boolean {
  return policy === "on-demand" && !isDefault;
}
