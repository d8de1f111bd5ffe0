import fs from "node:fs";
import { isAbsent } from "./files.ts";

const TAIL_BYTES = 16_384;

/** Returns the last lines of a log, oldest first; none if there is no log. */
export function lastLines(path: string, count: number): string[] {
  let file: number;
  try {
    file = fs.openSync(path, "r");
  } catch (error) {
    if (isAbsent(error)) return [];
    throw error;
  }
  try {
    const { size } = fs.fstatSync(file);
    const bytes = Buffer.alloc(Math.min(size, TAIL_BYTES));
    fs.readSync(file, bytes, 0, bytes.length, size - bytes.length);
    return bytes
      .toString()
      .split("\n")
      .filter((line) => line !== "")
      .slice(-count);
  } finally {
    fs.closeSync(file);
  }
}
