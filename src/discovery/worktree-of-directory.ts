import fs from "node:fs";
import { toBuffer } from "../host/fs/files.ts";
import type { Worktree } from "../model/worktree.ts";
import type { Project } from "./project.ts";
import { readWorktrees } from "./worktrees.ts";

/** Finds the innermost worktree that contains a directory, as worktrees may be nested. */
export function worktreeHolding<W extends Worktree>(
  worktrees: readonly W[],
  directory: string,
): W | undefined {
  const inside = toBuffer(`${directory}/`);
  return worktrees
    .map((worktree) => ({ worktree, top: realTop(worktree) }))
    .flatMap(({ worktree, top }) => (top ? [{ worktree, top: Buffer.concat([top, SLASH]) }] : []))
    .filter(({ top }) => inside.subarray(0, top.length).equals(top))
    .sort((a, b) => b.top.length - a.top.length)[0]?.worktree;
}

export function worktreeOfDirectory(project: Project, directory: string): Worktree | undefined {
  return worktreeHolding(readWorktrees(project.commonDir), fs.realpathSync(directory));
}

const SLASH = Buffer.from("/");

/** Returns the real path of a worktree, to be compared with a working directory; undefined if missing. */
function realTop(worktree: Worktree): Buffer | undefined {
  try {
    return fs.realpathSync(toBuffer(worktree.path), { encoding: "buffer" });
  } catch {
    return undefined;
  }
}
