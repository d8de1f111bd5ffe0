import { lstatSync, readdirSync, readFileSync, readlinkSync } from "node:fs";
import { join } from "node:path";

/** Reads every entry below the given paths with mode and bytes, to compare before and after. */
export function snapshot(...paths: readonly string[]): Record<string, string> {
  return Object.fromEntries(paths.flatMap(entries));
}

function entries(path: string): [string, string][] {
  const stat = lstatSync(path, { throwIfNoEntry: false });
  if (!stat) return [];
  const mode = (stat.mode & 0o7777).toString(8);
  if (stat.isSymbolicLink()) return [[path, `-> ${readlinkSync(path)}`]];
  if (stat.isDirectory()) {
    return [[path, mode], ...readdirSync(path).flatMap((name) => entries(join(path, name)))];
  }
  return [[path, `${mode} ${readFileSync(path, "latin1")}`]];
}
