import fs from "node:fs";
import { dirname } from "node:path";
import { quoteShell } from "../../model/envrc.ts";
import type { Layout } from "../../model/layout.ts";
import { formatSize } from "../../model/size.ts";
import { UserError } from "../../model/user-error.ts";
import { codeOf, realPath, statIfThere } from "./files.ts";

/** What a new cluster takes with the database in it, and some room for its first log. */
export const NEW_CLUSTER_BYTES = 64 * 1_048_576;

/** Bytes that may still be written where a path is, or is to be. */
export function freeSpace(path: string): number {
  const { bavail, bsize } = fs.statfsSync(nearest(path));
  return bavail * bsize;
}

/** Where the data of Postgres is, or is to be, whatever links lead there. */
export function dataPlace({ db }: Layout): string {
  return realPath(nearest(db));
}

/** Whether two paths share their free space. */
export function onSameDisk(one: string, other: string): boolean {
  return statIfThere(nearest(one))?.dev === statIfThere(nearest(other))?.dev;
}

/** @throws UserError where there is no room for a new cluster, which would be seen in the middle of it */
export function refuseFullDisk(layout: Layout): void {
  const place = dataPlace(layout);
  const free = freeSpace(place);
  if (free >= NEW_CLUSTER_BYTES) return;
  throw new UserError(
    `No space left for the database in ${place}: it needs about ${formatSize(NEW_CLUSTER_BYTES)}, and ${rounded(free)} are free.`,
    "make room there, then: ikigai start",
  );
}

/** What a failure to write for lack of room means; undefined for every other error. */
export function explainFullDisk(error: unknown): UserError | undefined {
  if (!["ENOSPC", "EDQUOT"].includes(codeOf(error) ?? "")) return undefined;
  // An error about an open file names none.
  const named = error instanceof Error && "path" in error ? String(error.path) : process.cwd();
  const place = nearest(named);
  return new UserError(
    `No space left on the file system of ${place}: ${rounded(freeSpace(place))} are free.`,
    "make room there, then type the same again",
  );
}

/** @throws UserError where `.ikigai` can be neither made nor written to */
export function refuseReadOnly({ root, ikigai }: Layout): void {
  const path = fs.existsSync(ikigai) ? ikigai : root;
  try {
    fs.accessSync(path, fs.constants.W_OK | fs.constants.X_OK);
  } catch (error) {
    if (codeOf(error) === "EROFS") {
      throw new UserError(
        `Cannot write to ${path}: its file system is mounted read-only.`,
        "mount it for writing, or use a clone elsewhere",
      );
    }
    const mode = (Number(statIfThere(path)?.mode ?? 0) & 0o7777).toString(8);
    throw new UserError(
      `Cannot write to ${path}: it is yours, and its mode is ${mode}.`,
      `chmod u+rwx ${quoteShell(path)}`,
    );
  }
}

/** In whole megabytes, as nobody needs to know more of it. */
export function rounded(bytes: number): string {
  const megabytes = Math.floor(bytes / 1_048_576);
  return megabytes < 1024 ? `${megabytes}MB` : `${Math.floor(megabytes / 1024)}GB`;
}

/** The path itself, or the directory above it that is there. */
function nearest(path: string): string {
  let place = path;
  while (!fs.existsSync(place) && place !== dirname(place)) place = dirname(place);
  return place;
}
