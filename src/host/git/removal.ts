import type { RawPath } from "../../model/worktree.ts";
import { lstatIfThere } from "../fs/files.ts";
import { listFiles } from "./tracked-files.ts";

/** A removal changes the top at least so often, but for one with a directory that takes longer. */
const QUIET_MS = 10_000;

/**
 * Whether git, or somebody, seems to be deleting a worktree: tracked files are missing, and its top
 * has changed a moment ago. It cannot be removed by who finds a new file in it at the end.
 */
export async function isBeingRemoved(directory: RawPath | string): Promise<boolean> {
  const changed = Number(lstatIfThere(directory)?.mtimeMs ?? 0);
  if (Math.abs(Date.now() - changed) > QUIET_MS) return false;
  return (await listFiles(directory, ["--deleted"])) !== "";
}
