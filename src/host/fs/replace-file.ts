import { randomBytes } from "node:crypto";
import fs from "node:fs";
import { codeOf, lstatIfThere, statIfThere } from "./files.ts";

/**
 * Replaces a file's content atomically: readers and a crash see the old or the new content.
 *
 * @param text latin1, so that text read as latin1 is written back byte for byte
 * @param mode permission bits, set regardless of the umask
 */
export function replaceFile(path: Buffer, text: string, mode: number): void {
  const owner = lstatIfThere(path) ?? statIfThere(path.subarray(0, path.lastIndexOf("/")));
  const temporary = Buffer.concat([path, Buffer.from(`.${randomBytes(6).toString("hex")}.tmp`)]);
  const file = fs.openSync(temporary, "wx", mode);
  try {
    fs.writeFileSync(file, text, "latin1");
    fs.fchmodSync(file, mode);
    if (owner) keepOwner(file, Number(owner.uid), Number(owner.gid));
    fs.fsyncSync(file);
    fs.renameSync(temporary, path);
  } catch (error) {
    fs.rmSync(temporary, { force: true });
    throw error;
  } finally {
    fs.closeSync(file);
  }
}

/** Keeps the owner when root replaces a user's file; ordinary users cannot chown, so EPERM is ignored. */
function keepOwner(file: number, uid: number, gid: number): void {
  const now = fs.fstatSync(file);
  if (now.uid === uid && now.gid === gid) return;
  try {
    fs.fchownSync(file, uid, gid);
  } catch (error) {
    if (codeOf(error) !== "EPERM") throw error;
  }
}
