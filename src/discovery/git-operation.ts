import { joinRaw, lstatIfThere } from "../host/fs/files.ts";
import type { Worktree } from "../model/worktree.ts";

/** What git leaves in an administrative directory while it goes through commits. */
const MARKS = ["BISECT_LOG", "rebase-merge", "rebase-apply"];

/** Whether a worktree is in the middle of a bisect or a rebase: what it holds is there for a while only. */
export function isInOperation({ gitDir }: Pick<Worktree, "gitDir">): boolean {
  return MARKS.some((name) => lstatIfThere(joinRaw(gitDir, name)) !== undefined);
}
