import type { RawPath } from "../../model/worktree.ts";
import { joinRaw, statIfThere } from "../files.ts";

const LONGEST_MS = 1_000;
/** A lock that a killed git left says nothing about now. */
const STALE_MS = 10_000;

/** Settles when git does not hold the index of a worktree (git-update-index(1)), or after a second. */
export async function untilUnlocked(gitDir: RawPath): Promise<void> {
  const lock = joinRaw(gitDir, "index.lock");
  const deadline = Date.now() + LONGEST_MS;
  while (Date.now() < deadline) {
    const stat = statIfThere(lock);
    if (!stat || Date.now() - Number(stat.mtimeMs) > STALE_MS) return;
    await new Promise((resolve) => setTimeout(resolve, 20));
  }
}
