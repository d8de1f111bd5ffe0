import fs from "node:fs";
import { dirname } from "node:path";
import { fileURLToPath } from "node:url";
import { joinRaw, listIfThere, readIfThere, statIfThere } from "../../fs/files.ts";
import { removeIfEmpty } from "../info-exclude.ts";

/** What husky writes into the `.gitignore` of its directory, too. */
const HIDE_ALL = "*";

/**
 * Makes a hooks directory.
 *
 * @param hidden whether it lies in a worktree and must keep itself out of `git status`.
 * @returns whether it was not there.
 */
export function makeHooksDirectory(path: Buffer, hidden: boolean): boolean {
  if (statIfThere(path)) return false;
  fs.mkdirSync(path);
  if (hidden) fs.writeFileSync(joinRaw(path, ".gitignore"), HIDE_ALL);
  return true;
}

/** Removes a directory that we made, unless somebody else uses it by now. */
export function unmakeHooksDirectory(path: Buffer): void {
  const ignore = joinRaw(path, ".gitignore");
  const alone = listIfThere(path).length === 1;
  if (alone && readIfThere(ignore)?.toString() === HIDE_ALL) fs.rmSync(ignore);
  removeIfEmpty(path);
}

let body: string | undefined;

/**
 * The script that comes with ikigai, from the sources as from the bundle; latin1.
 *
 * @throws Error when the installation of ikigai lacks it.
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
