import fs from "node:fs";
import { posix } from "node:path";
import { joinRaw, linkAtomically, readlinkIfThere, toBuffer } from "../fs/files.ts";
import type { HookWorktree } from "./hook/directory.ts";

/**
 * Links git's common directory to `.ikigai`. The hook looks for `.ikigai` upwards from the common directory;
 * where that is not beside the project's top, as in a submodule, only this link leads worktrees outside of
 * the project to it.
 */
export function linkProject(commonDir: string, worktrees: readonly HookWorktree[]): void {
  const common = Buffer.from(commonDir);
  const main = worktrees.find(({ gitDir }) => common.equals(toBuffer(gitDir)));
  if (!main || main.path.length === 0) return;
  const top = toBuffer(main.path).toString("latin1");
  const from = common.toString("latin1");
  if (top === posix.dirname(from)) return;
  const target = Buffer.from(posix.join(posix.relative(from, top), ".ikigai"), "latin1");
  if (readlinkIfThere(linkOf(commonDir))?.equals(target)) return;
  linkAtomically(target, linkOf(commonDir));
}

/** Removes the link that `linkProject` made. */
export function unlinkProject(commonDir: string): void {
  if (readlinkIfThere(linkOf(commonDir))) fs.rmSync(linkOf(commonDir));
}

const linkOf = (commonDir: string) => joinRaw(commonDir, ".ikigai");
