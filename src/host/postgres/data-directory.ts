import { createHash } from "node:crypto";
import fs from "node:fs";
import { relative, resolve } from "node:path";
import type { Layout } from "../../model/layout.ts";
import {
  linkAtomically,
  listIfThere,
  lstatIfThere,
  readIfThere,
  readlinkIfThere,
} from "../fs/files.ts";

/** Where the data is kept if root's Postgres cannot reach a directory inside the project. */
const OUTSIDE = "/var/lib/ikigai";

/** Returns the outside data directory of a project, named after a hash of its path. */
export function outsideData(root: string): string {
  const key = createHash("sha256").update(root).digest("hex").slice(0, 16);
  return `${OUTSIDE}/${key}/data`;
}

/**
 * Returns a data directory beside git's own files, for a project whose `.ikigai` is inside a working tree:
 * there git itself would delete it, on `git clean -x` or when a branch has a file of that name.
 *
 * @returns a path relative to `.ikigai`, so that a moved project keeps its data
 */
export function repositoryData({ ikigai }: Layout, commonDir: string): string {
  return relative(ikigai, `${repositoryHome(commonDir)}/db`);
}

function repositoryHome(commonDir: string): string {
  return `${commonDir}/ikigai`;
}

/** Resolves {@link outsideData} or {@link repositoryData} to an absolute path; empty is `.ikigai/db`. */
function resolveData({ ikigai, db }: Layout, data: string): string {
  return data === "" ? db : resolve(ikigai, data);
}

/** Returns the absolute path of Postgres' data, whether it exists yet or not. */
export function linkedData(layout: Layout): string {
  return resolveData(layout, readlinkIfThere(layout.db)?.toString() ?? "");
}

/**
 * Returns the target of a link to data outside of the project; it stays where it is if the project is moved.
 */
export function linkedOutside({ db }: Layout): string | undefined {
  const target = readlinkIfThere(db)?.toString();
  return target !== undefined && /^\/var\/lib\/ikigai\/[0-9a-f]+\/data$/.test(target)
    ? target
    : undefined;
}

/**
 * Creates the parent of the data directory, and `.ikigai/db` as a link to it.
 *
 * @param open whether another account must be able to pass through
 * @throws Error if `.ikigai/db` contains data that cannot be moved there
 */
export function makeDataDirectory(layout: Layout, data: string, open: boolean): void {
  if (data === "") return;
  const { db } = layout;
  const path = resolveData(layout, data);
  const mode = open ? 0o711 : 0o700;
  const home = path.slice(0, path.lastIndexOf("/"));
  fs.mkdirSync(home, { recursive: true, mode });
  fs.chmodSync(home, mode);
  if (readlinkIfThere(db)?.toString() === data) return;
  if (lstatIfThere(db)?.isDirectory()) {
    if (listIfThere(db).length > 0) moveData(db, path);
    else fs.rmdirSync(db);
  }
  linkAtomically(data, db);
}

function moveData(from: string, to: string): void {
  const next = `\n  next: pg_ctl stop, then move ${from} to ${to}`;
  const why = `${from} holds data, but Postgres has to keep it in ${to} now`;
  if (isServed(from)) throw new Error(`${why}, and a server is using it.${next}`);
  if (listIfThere(to).length > 0) throw new Error(`${why}, where there is data already.${next}`);
  try {
    fs.renameSync(from, to);
  } catch (error) {
    throw new Error(`${why}, and it could not be moved (${String(error)}).${next}`);
  }
}

/**
 * Tells whether a postmaster is running on this data: its pid is alive, and its arguments name the directory.
 */
export function isServed(data: string): boolean {
  const pid = readIfThere(`${data}/postmaster.pid`)?.toString().split("\n", 1)[0] ?? "";
  if (!/^\d+$/.test(pid)) return false;
  const command = readIfThere(`/proc/${pid}/cmdline`)?.toString().split("\0") ?? [];
  return command.includes(data);
}

/** Deletes the data outside of `.ikigai` for good. */
export function removeData(layout: Layout, commonDir: string): void {
  const outside = linkedOutside(layout);
  if (outside !== undefined && outside === outsideData(layout.root)) {
    fs.rmSync(outside.slice(0, outside.lastIndexOf("/")), { recursive: true, force: true });
  }
  fs.rmSync(repositoryHome(commonDir), { recursive: true, force: true });
}
