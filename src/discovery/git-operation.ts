import { joinRaw, lstatIfThere } from "../host/fs/files.ts";
import type { Worktree } from "../model/worktree.ts";

/** Files in an administrative directory during a bisect or rebase. */
const MARKS = ["BISECT_LOG", "rebase-merge", "rebase-apply"];

/** Tells whether a worktree is in the middle of a bisect or rebase, so that its content is temporary. */
export function isInOperation({ gitDir }: Pick<Worktree, "gitDir">): boolean {
  return MARKS.some((name) => lstatIfThere(joinRaw(gitDir, name)) !== undefined);
}
