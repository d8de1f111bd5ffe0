import { constants, copyFile, rename, rm, truncate } from "node:fs/promises";
import { isAbsent, lstatIfThere } from "./files.ts";

/** Same limits as `rotate` in controls/scripts/lib/base.sh, which runs when a server starts. */
const LARGEST_BYTES = 10_485_760;
const KEPT = 5;

/**
 * Rotates a log above 10 MB into `.1` … `.5`. Copies and truncates instead of renaming, because writers keep
 * the file open (always in append mode). Copies before shifting the older logs, so that repeated failures on
 * a full disk lose none of them.
 */
export async function rotate(log: string): Promise<void> {
  const stat = lstatIfThere(log);
  // Truncating through a link could empty any file.
  if (!stat?.isFile() || stat.size <= LARGEST_BYTES) return;
  const copy = `${log}.0`;
  await rm(copy, { force: true });
  try {
    await copyFile(log, copy, constants.COPYFILE_EXCL);
  } catch (error) {
    await rm(copy, { force: true });
    throw error;
  }
  for (let n = KEPT - 1; n >= 0; n--) {
    await rename(`${log}.${n}`, `${log}.${n + 1}`).catch((error: unknown) => {
      if (!isAbsent(error)) throw error;
    });
  }
  await truncate(log);
}
