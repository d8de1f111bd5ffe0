import type { RawPath } from "../../model/worktree.ts";
import { joinRaw, readIfThere, statIfThere } from "../files.ts";

const LONGEST_MS = 1_000;
/** A lock that a killed git left says nothing about now. */
const STALE_MS = 10_000;

/**
 * Settles when git neither holds the index of a worktree (git-update-index(1)) nor
 * is still adding it, or after a second. At once for what is not there.
 */
export async function untilUnlocked(gitDir: RawPath): Promise<void> {
  const deadline = performance.now() + LONGEST_MS;
  const isHeld = () => isNew(joinRaw(gitDir, "index.lock")) || isBeingAdded(gitDir);
  while (performance.now() < deadline && isHeld()) {
    await new Promise((resolve) => setTimeout(resolve, 20));
  }
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
