import { constants, copyFile, rename, rm, truncate } from "node:fs/promises";
import { isAbsent, lstatIfThere } from "./files.ts";

/** As `rotate` in controls/scripts/lib/base.sh has it, which does the same when a server starts. */
const LARGEST_BYTES = 10_485_760;
const KEPT = 5;

/**
 * Beyond 10 MB a log's content moves to `.1` … `.5`. Copied and cut, not renamed: whoever has it open
 * (always to append) writes on in the same file. Copied before any older one moves, so that a full
 * disk, on which this is tried again and again, costs none of them.
 */
export async function rotate(log: string): Promise<void> {
  const stat = lstatIfThere(log);
  // A link could lead to anybody's file, which would be cut.
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
