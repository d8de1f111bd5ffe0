import { statIfThere } from "../host/files.ts";
import type { Layout } from "../model/layout.ts";

const LOOK_MS = 500;

/**
 * Tells once when the project's directory is not where it was: everything that
 * this process knows by its path is then somebody else's or nobody's. Returns
 * the way to end it.
 */
export function watchPlace({ ikigai }: Layout, left: () => void): () => void {
  const inode = statIfThere(ikigai)?.ino;
  const timer = setInterval(() => {
    if (statIfThere(ikigai)?.ino === inode) return;
    clearInterval(timer);
    left();
  }, LOOK_MS);
  return () => clearInterval(timer);
}
