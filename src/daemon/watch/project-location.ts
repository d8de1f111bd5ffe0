import fs from "node:fs";
import { statIfThere } from "../../host/fs/files.ts";
import { setCoalescedInterval } from "../../host/timers/interval.ts";
import type { Layout } from "../../model/layout.ts";

const INTERVAL_MS = 1_000;
const DELETION_MS = 3_000;

/**
 * Watches whether `.ikigai` is still at its path; if not, the paths known to this process are no longer
 * the project's. The working directory of this process has to be inside `.ikigai`.
 *
 * @param left called once when it is not; `deleted` tells whether it was deleted rather than moved
 * @param here called at each check that finds it in place
 * @returns a function that stops it
 */
export function watchProjectLocation(
  { ikigai }: Layout,
  left: (deleted: boolean) => void,
  here: () => unknown,
  journal: (line: string) => void,
): () => void {
  const inode = statIfThere(ikigai)?.ino;
  const check = () => {
    if (statIfThere(ikigai)?.ino === inode) return here();
    end();
    left(workingDirectory() === undefined);
  };
  const end = setCoalescedInterval(INTERVAL_MS, check, journal);
  return end;
}

/**
 * Tells whether `.ikigai` is being deleted, for a process that got SIGTERM: runsvdir stops services whose
 * directories are gone, maybe before the regular check notices. Waits up to 3 s until `.ikigai` is deleted,
 * or turns out not to be.
 */
export async function isBeingDeleted({ ikigai, sv }: Layout): Promise<boolean> {
  const deadline = performance.now() + DELETION_MS;
  while (!statIfThere(`${sv}/daemon`) && performance.now() < deadline) {
    const here = workingDirectory();
    if (here === undefined && !statIfThere(ikigai)?.isDirectory()) return true;
    if (here !== undefined && !here.startsWith(ikigai)) return false;
    await new Promise((resolve) => setTimeout(resolve, 20));
  }
  return false;
}

/**
 * Returns the working directory; undefined if deleted, in which case stat(2) still works but getcwd(3) fails.
 */
function workingDirectory(): string | undefined {
  try {
    return fs.realpathSync.native(".");
  } catch {
    return undefined;
  }
}
