import fs from "node:fs";
import type { Layout } from "../model/layout.ts";
import { listIfThere, lstatIfThere } from "./files.ts";

/** What `writeAtomically`, `linkAtomically` and the making of an `.envrc` call a file before it has its name. */
const TEMPORARY = /\.[0-9a-f]{12}(?:\.tmp)?$/;

/**
 * Removes what a daemon was writing when it was killed: half a file may hold a password. Only what
 * is older than this process, as a command may be writing beside it.
 */
export function sweepTemporaries({ run, environments, documents, sockets }: Layout): void {
  const began = Date.now() - performance.now();
  const slots = listIfThere(`${run}/slots`).map((name) => `${run}/slots/${name}`);
  for (const directory of [run, environments, documents, sockets, ...slots]) {
    for (const name of listIfThere(directory)
      .map(String)
      .filter((one) => TEMPORARY.test(one))) {
      const path = `${directory}/${name}`;
      const stat = lstatIfThere(path);
      if (!stat || stat.isDirectory() || Number(stat.mtimeMs) >= began) continue;
      fs.rmSync(path, { force: true });
    }
  }
}
