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

/** Patterns for what ikigai creates in worktrees. */
export const KEPT_OUT = ["/.envrc", "/.ikigai"] as const;

/**
 * Hides what ikigai creates from `git status` in all worktrees through the repository's `info/exclude`
 * (gitignore(5)). Writes only if something is missing.
 *
 * @param patterns such as `/.envrc`; an empty list removes the block
 * @throws the file system's error if the file cannot be read or written
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
  // Keeps the block's place and note, because removal still has to undo the same.
  const whole = block
    ? block.before + markedBlock(body, block.note) + block.after
    : (wholeBlockAt(text, body, ["", FILE_MADE, DIRECTORY_MADE]) ?? placeBlock(text, body));
  replaceFile(path, whole, modeOf(path));
}

/**
 * Removes our block from `info/exclude`: the file is as it was, byte for byte, or is deleted if we created
 * it.
 */
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

/** Resolves the path, because some users make `info/exclude` a link. */
function excludeFile(commonDir: string): Buffer {
  const path = joinRaw(commonDir, "info", "exclude");
  return statIfThere(path) ? fs.realpathSync(path, { encoding: "buffer" }) : path;
}

function modeOf(path: Buffer): number {
  return Number(statIfThere(path)?.mode ?? 0o644) & 0o7777;
}

/** Removes a directory unless it has other entries. */
export function removeIfEmpty(path: Buffer): void {
  try {
    fs.rmdirSync(path);
  } catch (error) {
    const code = codeOf(error);
    if (code !== "ENOTEMPTY" && code !== "EEXIST" && code !== "ENOENT") throw error;
  }
}
