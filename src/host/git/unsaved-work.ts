import type { Worktree } from "../../model/worktree.ts";
import { joinRaw, lstatIfThere, toBuffer } from "../fs/files.ts";
import { git } from "./git.ts";

/** What would be lost by deleting a worktree's directory. */
export interface Loss {
  /** Paths with uncommitted changes. */
  readonly uncommitted: readonly string[];
  readonly untracked: readonly string[];
  /** Commits that are on no remote; without remotes, those on no branch. */
  readonly unpushed: number;
  /** Operations in progress, such as "a rebase". */
  readonly underWay: readonly string[];
}

const UNDER_WAY = [
  ["rebase-merge", "a rebase"],
  ["rebase-apply", "a rebase"],
  ["MERGE_HEAD", "a merge"],
  ["CHERRY_PICK_HEAD", "a cherry-pick"],
  ["REVERT_HEAD", "a revert"],
  ["BISECT_LOG", "a bisection"],
] as const;

/** Asks git what removing this worktree would lose. The path must be UTF-8. */
export async function lossOf(worktree: Worktree): Promise<Loss> {
  const top = toBuffer(worktree.path).toString();
  const status = await git(
    top,
    "status",
    "--porcelain=v1",
    "-z",
    "--untracked-files=all",
    "--ignore-submodules=none",
  );
  const { uncommitted, untracked } = readStatus(status);
  return {
    uncommitted,
    untracked,
    unpushed: await countUnpushed(top),
    underWay: UNDER_WAY.flatMap(([file, what]) =>
      lstatIfThere(joinRaw(worktree.gitDir, file)) ? [what] : [],
    ),
  };
}

/** Describes a loss in short phrases such as "2 uncommitted files (a, b)"; empty if nothing would be lost. */
export function describeLoss({ uncommitted, untracked, unpushed, underWay }: Loss): string[] {
  const files = (paths: readonly string[], what: string) => {
    if (paths.length === 0) return [];
    const shown = paths.slice(0, 3).join(", ") + (paths.length > 3 ? ", …" : "");
    return [`${paths.length} ${what} ${paths.length === 1 ? "file" : "files"} (${shown})`];
  };
  return [
    ...files(uncommitted, "uncommitted"),
    ...files(untracked, "untracked"),
    ...(unpushed > 0 ? [`${unpushed} unpushed ${unpushed === 1 ? "commit" : "commits"}`] : []),
    ...underWay.map((what) => `${what} under way`),
  ];
}

/**
 * Parses git-status(1), "Porcelain Format Version 1" with -z: a renamed entry is followed by its old path.
 */
function readStatus(text: string): { uncommitted: string[]; untracked: string[] } {
  const uncommitted: string[] = [];
  const untracked: string[] = [];
  const entries = text.split("\0");
  for (let i = 0; i < entries.length; i++) {
    const entry = entries[i] ?? "";
    if (entry === "") continue;
    if (entry.startsWith("??")) untracked.push(entry.slice(3));
    else uncommitted.push(entry.slice(3));
    if (/^[RC]|^.[RC]/.test(entry)) i++;
  }
  return { uncommitted, untracked };
}

async function countUnpushed(top: string): Promise<number> {
  const born = await git(top, "rev-parse", "--verify", "--quiet", "HEAD").catch(() => "");
  if (born === "") return 0;
  const remotes = await git(top, "for-each-ref", "--count=1", "refs/remotes");
  // Without a remote, branches are what keeps commits, and they survive the removal.
  const kept = remotes === "" ? ["--branches", "--tags"] : ["--remotes", "--tags"];
  return Number(await git(top, "rev-list", "--count", "HEAD", "--not", ...kept));
}
