import fs from "node:fs";
import { statIfThere } from "../../host/fs/files.ts";
import { setCoalescedInterval } from "../../host/timers/interval.ts";
import type { Layout } from "../../model/layout.ts";

const LOOK_MS = 1_000;
const DELETION_MS = 3_000;

/**
 * Tells once when `.ikigai` is not where it was: everything that this process knows by its path
 * is then somebody else's or nobody's. This process has to stand inside of it.
 *
 * @param left whether it was deleted, not moved
 * @param here called at each look that finds it where it was
 * @returns the way to end it
 */
export function watchProjectLocation(
  { ikigai }: Layout,
  left: (deleted: boolean) => void,
  here: () => unknown,
  journal: (line: string) => void,
): () => void {
  const inode = statIfThere(ikigai)?.ino;
  const look = () => {
    if (statIfThere(ikigai)?.ino === inode) return here();
    end();
    left(whereWeStand() === undefined);
  };
  const end = setCoalescedInterval(LOOK_MS, look, journal);
  return end;
}

/**
 * Whether `.ikigai` is deleted under a process that is told to end: runsvdir ends those whose
 * directories have gone, and may be quicker than our look. Settles when all of it has gone, or not.
 */
export async function isBeingDeleted({ ikigai, sv }: Layout): Promise<boolean> {
  const deadline = performance.now() + DELETION_MS;
  while (!statIfThere(`${sv}/daemon`) && performance.now() < deadline) {
    const here = whereWeStand();
    if (here === undefined && !statIfThere(ikigai)?.isDirectory()) return true;
    if (here !== undefined && !here.startsWith(ikigai)) return false;
    await new Promise((resolve) => setTimeout(resolve, 20));
  }
  return false;
}

/** A directory that has no name any more still answers to stat(2), but not to getcwd(3). */
function whereWeStand(): string | undefined {
  try {
    return fs.realpathSync.native(".");
  } catch {
    return undefined;
  }
}
