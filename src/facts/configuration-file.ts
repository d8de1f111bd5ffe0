import fs from "node:fs";
import { codeOf, isAbsent, joinRaw, lstatIfThere } from "../host/files.ts";
import { type RegularFile, readRegularFile } from "../host/regular-file.ts";
import type { RawPath } from "../model/worktree.ts";

type Read = { readonly kind: "absent" } | RegularFile;

const LARGEST = 1_048_576;

/** Reads a file that a branch may have put there: no link that leaves its directory, no pipe, no flood. */
export function readConfigurationFile(directory: RawPath | string, name: string): Read {
  const path = joinRaw(directory, name);
  if (!lstatIfThere(path)) return { kind: "absent" };
  try {
    const real = fs.realpathSync.native(path, { encoding: "buffer" });
    const home = fs.realpathSync.native(joinRaw(directory), { encoding: "buffer" });
    const inside = Buffer.concat([home, Buffer.from(home.at(-1) === 0x2f ? "" : "/")]);
    if (!real.subarray(0, inside.length).equals(inside)) {
      return refused(`is a link that leaves its directory, to ${JSON.stringify(real.toString())}`);
    }
    return readRegularFile(real, LARGEST);
  } catch (error) {
    if (isAbsent(error)) return refused("is a link to nothing");
    if (codeOf(error) === "ELOOP") return refused("is a link to itself");
    return refused(`cannot be read (${codeOf(error) ?? "unknown error"})`);
  }
}

function refused(message: string): Read {
  return { kind: "refused", message };
}
