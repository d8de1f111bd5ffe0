import fs from "node:fs";
import { dirname } from "node:path";
import { fileURLToPath } from "node:url";
import { joinRaw, listIfThere, readIfThere, statIfThere } from "../../fs/files.ts";
import { removeIfEmpty } from "../info-exclude.ts";

/** husky writes the same into the `.gitignore` of its directory. */
const HIDE_ALL = "*";

/**
 * Creates a hooks directory.
 *
 * @param hidden whether it is inside a worktree and must hide itself from `git status`
 * @returns whether it was created
 */
export function makeHooksDirectory(path: Buffer, hidden: boolean): boolean {
  if (statIfThere(path)) return false;
  fs.mkdirSync(path);
  if (hidden) fs.writeFileSync(joinRaw(path, ".gitignore"), HIDE_ALL);
  return true;
}

/** Removes a directory that we created, unless it is used by others now. */
export function unmakeHooksDirectory(path: Buffer): void {
  const ignore = joinRaw(path, ".gitignore");
  const alone = listIfThere(path).length === 1;
  if (alone && readIfThere(ignore)?.toString() === HIDE_ALL) fs.rmSync(ignore);
  removeIfEmpty(path);
}

let body: string | undefined;

/**
 * Returns the hook script that ships with ikigai, from the sources or the bundle; latin1.
 *
 * @throws Error if the installation of ikigai lacks it
 */
export function hookBody(): string {
  for (let at = dirname(fileURLToPath(import.meta.url)); body === undefined; at = dirname(at)) {
    body = readIfThere(`${at}/hooks/post-checkout`)?.toString("latin1");
    if (body === undefined && at === dirname(at)) {
      throw new Error("This ikigai lacks its hooks/post-checkout. Install it again.");
    }
  }
  return body;
}
