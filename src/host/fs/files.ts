import { createHash, randomBytes } from "node:crypto";
import fs from "node:fs";
import { dirname } from "node:path";
import type { RawPath } from "../../model/worktree.ts";

/** Returns the SHA-256 in lower-case hexadecimal. */
export function sha256(bytes: Uint8Array | string): string {
  return createHash("sha256").update(bytes).digest("hex");
}

/** Joins raw path parts with `/`; strings are encoded as UTF-8. */
export function joinRaw(base: RawPath | string, ...parts: (RawPath | string)[]): Buffer {
  const pieces = [toBuffer(base)];
  for (const part of parts) pieces.push(SLASH, toBuffer(part));
  return Buffer.concat(pieces);
}

const SLASH = Buffer.from("/");

/** Returns the path's bytes; strings are encoded as UTF-8. */
export function toBuffer(path: RawPath | string): Buffer {
  return typeof path === "string"
    ? Buffer.from(path)
    : Buffer.from(path.buffer, path.byteOffset, path.byteLength);
}

/** Returns a file's content, or undefined if it does not exist. Other errors are thrown. */
export function readIfThere(path: RawPath | string): Buffer | undefined {
  try {
    return fs.readFileSync(fsPath(path));
  } catch (error) {
    if (isAbsent(error)) return undefined;
    throw error;
  }
}

/** Returns lstat(2)'s result, or undefined if the path does not exist. Other errors are thrown. */
export function lstatIfThere(path: RawPath | string): fs.BigIntStats | undefined {
  try {
    // An exception costs many times what the system call does.
    return fs.lstatSync(fsPath(path), { bigint: true, throwIfNoEntry: false });
  } catch (error) {
    if (isAbsent(error)) return undefined;
    throw error;
  }
}

/**
 * Returns stat(2)'s result, or undefined if the path does not exist or its links form a loop. Other errors
 * are thrown.
 */
export function statIfThere(path: RawPath | string): fs.BigIntStats | undefined {
  try {
    return fs.statSync(fsPath(path), { bigint: true, throwIfNoEntry: false });
  } catch (error) {
    if (isAbsent(error) || codeOf(error) === "ELOOP") return undefined;
    throw error;
  }
}

/**
 * Returns a link's target, or undefined if the path does not exist or is not a link. Other errors are thrown.
 */
export function readlinkIfThere(path: RawPath | string): Buffer | undefined {
  try {
    return fs.readlinkSync(fsPath(path), { encoding: "buffer" });
  } catch (error) {
    if (isAbsent(error) || codeOf(error) === "EINVAL") return undefined;
    throw error;
  }
}

/** Resolves all links; returns the path itself if it does not exist or cannot be accessed. */
export function realPath(path: string): string {
  try {
    return fs.realpathSync(path);
  } catch {
    return path;
  }
}

/** Returns the names in a directory; empty if it does not exist. Other errors are thrown. */
export function listIfThere(path: RawPath | string): Buffer[] {
  try {
    return fs.readdirSync(fsPath(path), { encoding: "buffer" });
  } catch (error) {
    if (isAbsent(error)) return [];
    throw error;
  }
}

/**
 * Writes a file atomically (temporary file beside it, fsync, rename): readers and a crash see the old or the
 * new content, never a part.
 */
export function writeAtomically(
  path: string,
  content: string | Uint8Array,
  { mode = 0o600, durable = true }: { mode?: number; durable?: boolean } = {},
): void {
  const temporary = `${path}.${randomBytes(6).toString("hex")}.tmp`;
  const file = fs.openSync(temporary, "wx", mode);
  try {
    try {
      fs.writeFileSync(file, content);
      if (durable) fs.fsyncSync(file);
    } finally {
      fs.closeSync(file);
    }
    fs.renameSync(temporary, path);
  } catch (error) {
    fs.rmSync(temporary, { force: true });
    throw error;
  }
  if (durable) syncDirectory(dirname(path));
}

/** Makes `path` a symbolic link to `target`, replacing an existing link in one step. */
export function linkAtomically(target: RawPath | string, path: RawPath | string): void {
  const temporary = Buffer.concat([
    toBuffer(path),
    Buffer.from(`.${randomBytes(6).toString("hex")}`),
  ]);
  fs.symlinkSync(fsPath(target), temporary);
  try {
    fs.renameSync(temporary, fsPath(path));
  } catch (error) {
    fs.rmSync(temporary, { force: true });
    throw error;
  }
}

/**
 * Lists the names of the symbolic links in a directory. readlink(2) on each entry would throw for every other
 * file.
 */
export function listLinksIfThere(path: string): string[] {
  try {
    const entries = fs.readdirSync(path, { withFileTypes: true });
    return entries.filter((entry) => entry.isSymbolicLink()).map(({ name }) => name);
  } catch (error) {
    if (isAbsent(error)) return [];
    throw error;
  }
}

/** Tells whether an error says that a path does not exist (ENOENT, ENOTDIR). */
export function isAbsent(error: unknown): boolean {
  const code = codeOf(error);
  return code === "ENOENT" || code === "ENOTDIR";
}

/** Returns an error's code, such as ENOENT or a SQLSTATE; undefined if it has none. */
export function codeOf(error: unknown): string | undefined {
  return error instanceof Error && "code" in error && typeof error.code === "string"
    ? error.code
    : undefined;
}

function syncDirectory(path: string): void {
  const directory = fs.openSync(path, "r");
  try {
    fs.fsyncSync(directory);
  } finally {
    fs.closeSync(directory);
  }
}

function fsPath(path: RawPath | string): string | Buffer {
  return typeof path === "string" ? path : toBuffer(path);
}
