import fs from "node:fs";
import { codeOf } from "./files.ts";

/** A file's content, or why it was not read. */
export type RegularFile =
  | { readonly kind: "read"; readonly content: Buffer }
  | { readonly kind: "refused"; readonly message: string };

/**
 * Reads an untrusted file: refuses links, pipes, devices and more than `largest` bytes. Checks the opened
 * descriptor, so that the file cannot be exchanged between check and read.
 */
export function readRegularFile(path: Buffer | string, largest: number): RegularFile {
  const { O_RDONLY, O_NOFOLLOW, O_NONBLOCK } = fs.constants;
  try {
    // Without O_NONBLOCK, opening a named pipe blocks until there is a writer.
    const file = fs.openSync(path, O_RDONLY | O_NOFOLLOW | O_NONBLOCK);
    try {
      return readOpen(file, largest);
    } finally {
      fs.closeSync(file);
    }
  } catch (error) {
    return refused(`cannot be read (${codeOf(error) ?? "unknown error"})`);
  }
}

function readOpen(file: number, largest: number): RegularFile {
  const stat = fs.fstatSync(file);
  if (!stat.isFile()) return refused("is not a regular file");
  if (stat.size > largest) return refused(`is larger than ${Math.floor(largest / 1_048_576)} MB`);
  const content = Buffer.alloc(stat.size);
  let length = 0;
  while (length < content.length) {
    const count = fs.readSync(file, content, length, content.length - length, null);
    if (count === 0) break;
    length += count;
  }
  return { kind: "read", content: content.subarray(0, length) };
}

function refused(message: string): RegularFile {
  return { kind: "refused", message };
}
