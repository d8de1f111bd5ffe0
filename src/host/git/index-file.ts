import type { RawPath } from "../../model/worktree.ts";
import { joinRaw, listIfThere, readIfThere } from "../fs/files.ts";

/**
 * Whether the index of a worktree that git has just checked out (so that it says
 * what HEAD does) surely has no file of this name at its top. False when only git
 * can tell; asking git costs more than all else that a new worktree needs.
 * The format is gitformat-index(5).
 */
export function surelyLacks(gitDir: RawPath, name: string): boolean {
  const index = readIfThere(joinRaw(gitDir, "index"));
  if (!index || index.length < 12 || index.toString("latin1", 0, 4) !== "DIRC") return false;
  // From version 4 on a name may be stored without the beginning it shares with the one before.
  if (index.readUInt32BE(4) > 3) return false;
  // A split index has the rest of its names in another file.
  const isSplit = listIfThere(gitDir).some((file) => file.toString().startsWith("sharedindex."));
  return !isSplit && !index.includes(name);
}
