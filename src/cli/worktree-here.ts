import type { WorktreeReport } from "../model/reports.ts";
import { UserError } from "../model/user-error.ts";
import { callDaemon } from "./client/daemon-client.ts";
import { requireProject } from "./context.ts";

/**
 * Asks the daemon for the slug of the worktree that contains `cwd`.
 *
 * @param next the command to suggest when there is none
 * @throws UserError when `cwd` is in no worktree
 */
export async function worktreeHere(cwd: string, next: string): Promise<string> {
  const { layout } = requireProject(cwd);
  const path = `/v1/worktree?${new URLSearchParams({ cwd })}`;
  const { status, text } = await callDaemon(layout, "GET", path);
  if (status === 200) return (JSON.parse(text) as { worktree: WorktreeReport }).worktree.slug;
  if (status !== 404) throw new UserError(`The daemon answered ${status}.`, "ikigai logs daemon");
  throw new UserError("This directory is not in a worktree.", next);
}
