import { readIfThere } from "../host/fs/files.ts";
import type { Worktree } from "../model/worktree.ts";

/**
 * Chooses the default worktree: the configured one, else the one on the default branch, else the main
 * worktree, else the one named `main` or `master` (in a bare layout it may be on another branch for a while).
 */
export function chooseDefault(
  worktrees: readonly Worktree[],
  commonDir: string,
  configured: string | undefined,
): Worktree | undefined {
  const present = worktrees.filter((w) => w.state !== "gone");
  const remote = readIfThere(`${commonDir}/refs/remotes/origin/HEAD`)?.toString().trim();
  const remoteHead = remote?.replace(/^ref: refs\/remotes\/origin\//, "");
  return (
    present.find((w) => w.slug === configured || (configured && w.name === configured)) ??
    present.find((w) => w.branch === "main") ??
    present.find((w) => w.branch === "master") ??
    present.find((w) => remoteHead !== undefined && w.branch === remoteHead) ??
    present.find((w) => w.isMain) ??
    present.find((w) => w.name === "main" || w.name === "master")
  );
}
