import type { RawPath } from "../../model/worktree.ts";
import { lstatIfThere } from "../fs/files.ts";
import { listFiles } from "./tracked-files.ts";

/** A removal changes the worktree's top at least this often, unless one directory takes longer. */
const QUIET_MS = 10_000;

/**
 * Tells whether a worktree seems to be being deleted: tracked files are missing and its top changed within
 * the last 10 s. Callers must not write into it then, because git cannot remove a directory into which a file
 * was written meanwhile.
 */
export async function isBeingRemoved(directory: RawPath | string): Promise<boolean> {
  const changed = Number(lstatIfThere(directory)?.mtimeMs ?? 0);
  if (Math.abs(Date.now() - changed) > QUIET_MS) return false;
  return (await listFiles(directory, ["--deleted"])) !== "";
}
