import type { RawPath } from "../../model/worktree.ts";
import { joinRaw, readIfThere, statIfThere } from "../fs/files.ts";

const LONGEST_MS = 1_000;
const LOOK_MS = 50;
/** A lock that a killed git left says nothing about now. */
const STALE_MS = 10_000;

/**
 * Settles when git neither holds the index of a worktree (git-update-index(1)) nor
 * is still adding it, or after a second. At once for what is not there.
 *
 * @param pause waits so many milliseconds, or less where the lock may have gone
 */
export async function untilUnlocked(
  gitDir: RawPath,
  pause: (milliseconds: number) => Promise<void>,
): Promise<void> {
  const deadline = performance.now() + LONGEST_MS;
  const isHeld = () => isNew(joinRaw(gitDir, "index.lock")) || isBeingAdded(gitDir);
  while (performance.now() < deadline && isHeld()) await pause(LOOK_MS);
}

/** `git worktree add` locks what it makes, with this as the reason where git speaks English. */
function isBeingAdded(gitDir: RawPath): boolean {
  const locked = joinRaw(gitDir, "locked");
  return readIfThere(locked)?.toString().trim() === "initializing" && isNew(locked);
}

function isNew(path: RawPath): boolean {
  const stat = statIfThere(path);
  return stat !== undefined && Math.abs(Date.now() - Number(stat.mtimeMs)) <= STALE_MS;
}
