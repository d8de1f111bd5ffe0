import { lstatIfThere } from "../fs/files.ts";

/** A link, which a branch of an ordinary clone may hold, leads to whom it likes. */
export function isOwnSocket(path: string): boolean {
  const stat = lstatIfThere(path);
  return stat?.isSocket() === true && stat.uid === BigInt(process.getuid?.() ?? 0);
}
