import type { RawPath } from "../../model/worktree.ts";
import { joinRaw, listIfThere, readIfThere } from "../fs/files.ts";

/**
 * Tells whether the index of a freshly checked out worktree (so that it equals HEAD) certainly has no file of
 * this name at its top. False if only git can tell; running git costs more than everything else that a new
 * worktree needs. The format is gitformat-index(5).
 */
export function surelyLacks(gitDir: RawPath, name: string): boolean {
  const index = readIfThere(joinRaw(gitDir, "index"));
  if (!index || index.length < 12 || index.toString("latin1", 0, 4) !== "DIRC") return false;
  // From version 4 on, names may be stored without the prefix shared with the previous entry.
  if (index.readUInt32BE(4) > 3) return false;
  // A split index keeps the rest of its entries in another file.
  const isSplit = listIfThere(gitDir).some((file) => file.toString().startsWith("sharedindex."));
  return !isSplit && !index.includes(name);
}
