import fs from "node:fs";
import { codeOf, isAbsent, joinRaw, lstatIfThere } from "../host/files.ts";
import type { RawPath } from "../model/worktree.ts";

type Read =
  | { readonly kind: "absent" }
  | { readonly kind: "refused"; readonly message: string }
  | { readonly kind: "read"; readonly content: Buffer };

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
    return readRegular(real);
  } catch (error) {
    if (isAbsent(error)) return refused("is a link to nothing");
    if (codeOf(error) === "ELOOP") return refused("is a link to itself");
    return refused(`cannot be read (${codeOf(error) ?? "unknown error"})`);
  }
}

/** Opens once and judges what was opened, so that nothing can be exchanged in between. */
function readRegular(path: Buffer): Read {
  const { O_RDONLY, O_NOFOLLOW, O_NONBLOCK } = fs.constants;
  // Without O_NONBLOCK the opening of a named pipe would wait for its writer.
  const file = fs.openSync(path, O_RDONLY | O_NOFOLLOW | O_NONBLOCK);
  try {
    const stat = fs.fstatSync(file);
    if (!stat.isFile()) return refused("is not a regular file");
    if (stat.size > LARGEST) return refused("is larger than 1 MB");
    const content = Buffer.alloc(stat.size);
    let length = 0;
    while (length < content.length) {
      const count = fs.readSync(file, content, length, content.length - length, null);
      if (count === 0) break;
      length += count;
    }
    return { kind: "read", content: content.subarray(0, length) };
  } finally {
    fs.closeSync(file);
  }
}

function refused(message: string): Read {
  return { kind: "refused", message };
}
