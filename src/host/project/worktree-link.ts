import fs from "node:fs";
import type { RawPath } from "../../model/worktree.ts";
import { codeOf, joinRaw, lstatIfThere, readlinkIfThere } from "../fs/files.ts";
import { tracks } from "../git/tracked-files.ts";

/**
 * Links a worktree outside of the project to `.ikigai`, so that walking up finds it. Leaves anything else of
 * that name alone, including a link that the branch tracks; the project is then found through git. Creates
 * the link directly, not under a temporary name, which `git status` would show if we were killed meanwhile.
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
    // A checkout created it first.
    if (codeOf(error) !== "EEXIST") throw error;
  }
}
