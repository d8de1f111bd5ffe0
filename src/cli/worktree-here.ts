import type { WorktreeReport } from "../model/reports.ts";
import { UserError } from "../model/user-error.ts";
import { callDaemon } from "./client/daemon-client.ts";
import { requireProject } from "./context.ts";

/**
 * The slug of the worktree in which the command was typed, as the daemon knows it.
 *
 * @param next what to type instead where there is none
 */
export async function worktreeHere(cwd: string, next: string): Promise<string> {
  const { layout } = requireProject(cwd);
  const path = `/v1/worktree?${new URLSearchParams({ cwd })}`;
  const { status, text } = await callDaemon(layout, "GET", path);
  if (status === 200) return (JSON.parse(text) as { worktree: WorktreeReport }).worktree.slug;
  if (status !== 404) throw new UserError(`The daemon answered ${status}.`, "ikigai logs daemon");
  throw new UserError("This directory is in no worktree.", next);
}
