import fs from "node:fs";
import { every } from "../host/every.ts";
import { statIfThere } from "../host/files.ts";
import type { Layout } from "../model/layout.ts";

const LOOK_MS = 500;

/**
 * Tells once when `.ikigai` is not where it was: everything that this process knows by its path
 * is then somebody else's or nobody's. This process has to stand inside of it.
 *
 * @param left whether it was deleted, not moved
 * @param here called at each look that finds it where it was
 * @returns the way to end it
 */
export function watchPlace(
  { ikigai }: Layout,
  left: (deleted: boolean) => void,
  here: () => unknown,
  journal: (line: string) => void,
): () => void {
  const inode = statIfThere(ikigai)?.ino;
  const look = () => {
    if (statIfThere(ikigai)?.ino === inode) return here();
    end();
    left(isHereDeleted());
  };
  const end = every(LOOK_MS, look, journal);
  return end;
}

/** A directory that has no name any more still answers to stat(2), but not to getcwd(3). */
function isHereDeleted(): boolean {
  try {
    fs.realpathSync.native(".");
    return false;
  } catch {
    return true;
  }
}
