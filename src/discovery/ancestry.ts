import { execa } from "execa";
import { gitEnvironment } from "../host/git/environment.ts";
import type { Worktree } from "../model/worktree.ts";
import { commitOf } from "./parent-worktree.ts";

/** Tells whether the default worktree's history contains a worktree's commit, which then adds nothing new. */
export async function isContained(
  commonDir: string,
  worktree: Worktree,
  all: readonly Worktree[],
): Promise<boolean> {
  if (worktree.isDefault) return true;
  const chosen = all.find(({ isDefault }) => isDefault);
  const { commit } = commitOf(commonDir, worktree);
  const { commit: head } = chosen ? commitOf(commonDir, chosen) : {};
  if (commit === undefined || head === undefined) return false;
  if (commit === head) return true;
  const { exitCode } = await execa(
    "git",
    [`--git-dir=${commonDir}`, "merge-base", "--is-ancestor", commit, head],
    { reject: false, stdin: "ignore", env: gitEnvironment(), extendEnv: false },
  );
  return exitCode === 0;
}
