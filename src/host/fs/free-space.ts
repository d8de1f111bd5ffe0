import fs from "node:fs";
import { dirname } from "node:path";
import { quoteShell } from "../../model/envrc.ts";
import type { Layout } from "../../model/layout.ts";
import { formatSize } from "../../model/size.ts";
import { UserError } from "../../model/user-error.ts";
import { codeOf, realPath, statIfThere } from "./files.ts";

/** Space needed for a new cluster with its database, plus some room for the first WAL. */
export const NEW_CLUSTER_BYTES = 64 * 1_048_576;

/** Returns the bytes available to this user on the file system of a path, which need not exist yet. */
export function freeSpace(path: string): number {
  const { bavail, bsize } = fs.statfsSync(nearest(path));
  return bavail * bsize;
}

/** Returns the directory that holds, or will hold, Postgres' data, with links resolved. */
export function dataPlace({ db }: Layout): string {
  return realPath(nearest(db));
}

/** Tells whether two paths are on the same file system. */
export function onSameDisk(one: string, other: string): boolean {
  return statIfThere(nearest(one))?.dev === statIfThere(nearest(other))?.dev;
}

/** @throws UserError if the disk has no room for a new cluster; initdb would fail halfway */
export function refuseFullDisk(layout: Layout): void {
  const place = dataPlace(layout);
  const free = freeSpace(place);
  if (free >= NEW_CLUSTER_BYTES) return;
  throw new UserError(
    `No space left for the database in ${place}: it needs about ${formatSize(NEW_CLUSTER_BYTES)}, and ${rounded(free)} are free.`,
    "make room there, then: ikigai start",
  );
}

/** Explains ENOSPC and EDQUOT; returns undefined for any other error. */
export function explainFullDisk(error: unknown): UserError | undefined {
  if (!["ENOSPC", "EDQUOT"].includes(codeOf(error) ?? "")) return undefined;
  // Errors on an open descriptor carry no path.
  const named = error instanceof Error && "path" in error ? String(error.path) : process.cwd();
  const place = nearest(named);
  return new UserError(
    `No space left on the file system of ${place}: ${rounded(freeSpace(place))} are free.`,
    "make room there, then type the same again",
  );
}

/** @throws UserError if `.ikigai` cannot be created or written */
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

/** Formats bytes in whole MB, or GB from 1024 MB on. */
export function rounded(bytes: number): string {
  const megabytes = Math.floor(bytes / 1_048_576);
  return megabytes < 1024 ? `${megabytes}MB` : `${Math.floor(megabytes / 1024)}GB`;
}

/** Returns the path itself or its nearest existing ancestor. */
function nearest(path: string): string {
  let place = path;
  while (!fs.existsSync(place) && place !== dirname(place)) place = dirname(place);
  return place;
}
