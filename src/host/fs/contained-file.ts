import fs from "node:fs";
import type { RawPath } from "../../model/worktree.ts";
import { codeOf, isAbsent, joinRaw, lstatIfThere, toBuffer } from "./files.ts";
import { type RegularFile, readRegularFile } from "./regular-file.ts";

/** The real path of a file, or why it is refused. */
type Place =
  | { readonly kind: "absent" }
  | { readonly kind: "found"; readonly path: Buffer }
  | { readonly kind: "refused"; readonly message: string };

/**
 * Finds a file that may come from a branch. A link may lead elsewhere within `directory` but not out of it;
 * anything that is neither a regular file nor a link to one is refused.
 */
export function findFileWithin(directory: RawPath | string, name: string): Place {
  const path = joinRaw(directory, name);
  const stat = lstatIfThere(path);
  if (!stat) return { kind: "absent" };
  if (stat.isFile()) return { kind: "found", path };
  if (!stat.isSymbolicLink()) return refused("is not a regular file");
  try {
    const real = fs.realpathSync.native(path, { encoding: "buffer" });
    const home = fs.realpathSync.native(toBuffer(directory), { encoding: "buffer" });
    const inside = Buffer.concat([home, Buffer.from(home.at(-1) === 0x2f ? "" : "/")]);
    if (!real.subarray(0, inside.length).equals(inside)) {
      return refused(`is a link that leaves its directory, to ${JSON.stringify(real.toString())}`);
    }
    if (!lstatIfThere(real)?.isFile()) return refused("is not a regular file");
    return { kind: "found", path: real };
  } catch (error) {
    if (isAbsent(error)) return refused("is a link to nothing");
    if (codeOf(error) === "ELOOP") return refused("is a link to itself");
    return refused(`cannot be read (${codeOf(error) ?? "unknown error"})`);
  }
}

/**
 * Reads a file that may come from a branch: refuses links out of the directory, special files and more than 1
 * MB.
 */
export function readFileWithin(
  directory: RawPath | string,
  name: string,
): { readonly kind: "absent" } | RegularFile {
  const found = findFileWithin(directory, name);
  return found.kind === "found" ? readRegularFile(found.path, LARGEST) : found;
}

const LARGEST = 1_048_576;

function refused(message: string): { readonly kind: "refused"; readonly message: string } {
  return { kind: "refused", message };
}
