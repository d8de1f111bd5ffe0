import type { RawPath } from "../../model/worktree.ts";
import { joinRaw, readIfThere, statIfThere } from "../fs/files.ts";

const LONGEST_MS = 1_000;
const POLL_MS = 50;
/** An older lock was left by a killed git. */
const STALE_MS = 10_000;

/**
 * Waits at most 1 s until git neither locks a worktree's index (git-update-index(1)) nor is still adding the
 * worktree. Returns at once if there is no such worktree.
 *
 * @param pause waits that many milliseconds, or less if the lock may have been released
 */
export async function untilUnlocked(
  gitDir: RawPath,
  pause: (milliseconds: number) => Promise<void>,
): Promise<void> {
  const deadline = performance.now() + LONGEST_MS;
  const isHeld = () => isNew(joinRaw(gitDir, "index.lock")) || isBeingAdded(gitDir);
  while (performance.now() < deadline && isHeld()) await pause(POLL_MS);
}

/** `git worktree add` locks the new worktree with this reason. A translated git writes another one. */
function isBeingAdded(gitDir: RawPath): boolean {
  const locked = joinRaw(gitDir, "locked");
  return readIfThere(locked)?.toString().trim() === "initializing" && isNew(locked);
}

function isNew(path: RawPath): boolean {
  const stat = statIfThere(path);
  return stat !== undefined && Math.abs(Date.now() - Number(stat.mtimeMs)) <= STALE_MS;
}
