import fs from "node:fs";
import { codeOf, joinRaw, readIfThere, statIfThere } from "../fs/files.ts";
import { replaceFile } from "../fs/replace-file.ts";
import {
  findBlock,
  markedBlock,
  placeBlock,
  wholeBlockAt,
  withoutBlocks,
} from "./managed-block.ts";

const FILE_MADE = "file made by ikigai";
const DIRECTORY_MADE = "directory made by ikigai";

/** What ikigai makes in worktrees. */
export const KEPT_OUT = ["/.envrc", "/.ikigai"] as const;

/**
 * Keeps what ikigai makes in worktrees out of `git status`, in all of them at once, through the
 * repository's own `info/exclude` (gitignore(5)). Writes only when something is missing.
 *
 * @param patterns such as `/.envrc`; with none of them the block goes.
 * @throws the file system's error when the file cannot be read or written.
 */
export function excludeFromStatus(commonDir: string, patterns: readonly string[]): void {
  if (patterns.length === 0) {
    restoreExclude(commonDir);
    return;
  }
  const body = `${patterns.join("\n")}\n`;
  const path = excludeFile(commonDir);
  const text = readIfThere(path)?.toString("latin1");
  if (text === undefined) {
    makeExclude(commonDir, path, body);
    return;
  }
  const block = findBlock(text);
  if (block?.body === body) return;
  // In its old place, with its old note: what removal must undo is still the same.
  const whole = block
    ? block.before + markedBlock(body, block.note) + block.after
    : (wholeBlockAt(text, body, ["", FILE_MADE, DIRECTORY_MADE]) ?? placeBlock(text, body));
  replaceFile(path, whole, modeOf(path));
}

/** Takes our lines out of `info/exclude` again: the same bytes as before, or no file. */
export function restoreExclude(commonDir: string): void {
  const path = excludeFile(commonDir);
  const text = readIfThere(path)?.toString("latin1");
  const block = text === undefined ? undefined : findBlock(text);
  if (text === undefined || !block) return;
  const rest = withoutBlocks(text);
  if (rest !== "" || (block.note !== FILE_MADE && block.note !== DIRECTORY_MADE)) {
    replaceFile(path, rest, modeOf(path));
    return;
  }
  fs.rmSync(path);
  if (block.note === DIRECTORY_MADE) removeIfEmpty(joinRaw(commonDir, "info"));
}

function makeExclude(commonDir: string, path: Buffer, body: string): void {
  const info = joinRaw(commonDir, "info");
  const made = statIfThere(info) === undefined;
  if (made) fs.mkdirSync(info);
  replaceFile(path, markedBlock(body, made ? DIRECTORY_MADE : FILE_MADE), 0o644);
}

/** Where the file really is: some people link it. */
function excludeFile(commonDir: string): Buffer {
  const path = joinRaw(commonDir, "info", "exclude");
  return statIfThere(path) ? fs.realpathSync(path, { encoding: "buffer" }) : path;
}

function modeOf(path: Buffer): number {
  return Number(statIfThere(path)?.mode ?? 0o644) & 0o7777;
}

/** Removes a directory unless somebody else has put something there. */
export function removeIfEmpty(path: Buffer): void {
  try {
    fs.rmdirSync(path);
  } catch (error) {
    const code = codeOf(error);
    if (code !== "ENOTEMPTY" && code !== "EEXIST" && code !== "ENOENT") throw error;
  }
}
