import fs from "node:fs";
import type { RawPath } from "../../model/worktree.ts";
import { codeOf, joinRaw, lstatIfThere, readlinkIfThere } from "../fs/files.ts";
import { tracks } from "../git/tracked-files.ts";

/**
 * Gives a worktree outside the project a link to it, so that walking up finds it. Anything else of
 * that name stays, also a link that the branch holds: the way through git finds the project then.
 * Under no other name first, which `git status` would show if we were killed meanwhile.
 */
export async function linkToProject(ikigai: string, top: RawPath): Promise<void> {
  const link = joinRaw(top, ".ikigai");
  const present = lstatIfThere(link);
  if (present && !present.isSymbolicLink()) return;
  if (readlinkIfThere(link)?.equals(Buffer.from(ikigai))) return;
  if (present && (await tracks(top, ".ikigai"))) return;
  if (present) fs.rmSync(link, { force: true });
  try {
    fs.symlinkSync(ikigai, link);
  } catch (error) {
    // A checkout was quicker.
    if (codeOf(error) !== "EEXIST") throw error;
  }
}
