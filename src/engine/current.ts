import { startTaskOf } from "../facts/deno-task.ts";
import type { Backend } from "../model/worktree.ts";

/** Whether a backend would be started by what stands in its directory now, which no look may have seen yet. */
export function isCurrent({ directory, launch }: Backend): boolean {
  if (launch.kind !== "deno-task") return true;
  return startTaskOf(directory, launch.file)?.command === launch.command;
}
