import { lstatIfThere } from "../fs/files.ts";

/**
 * Tells whether a path is a socket of this account, not a link: a branch of an ordinary clone may track a
 * link that leads anywhere.
 */
export function isOwnSocket(path: string): boolean {
  const stat = lstatIfThere(path);
  return stat?.isSocket() === true && stat.uid === BigInt(process.getuid?.() ?? 0);
}
