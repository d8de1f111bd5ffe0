import fs from "node:fs";
import { tmpdir } from "node:os";
import { basename, dirname } from "node:path";
import type { Layout } from "../../model/layout.ts";
import {
  linkAtomically,
  listIfThere,
  lstatIfThere,
  readlinkIfThere,
  sha256,
  statIfThere,
} from "../fs/files.ts";

/** A socket address has 108 bytes including the NUL (unix(7)); 104 on macOS. */
const LONGEST = process.platform === "darwin" ? 103 : 107;

/** What is left for the directory besides two slugs of 40, two slashes and `.sock`. */
const ROOM = LONGEST - 87;

/**
 * Returns a function that gives the path a backend binds, through a short link if the direct path is too
 * long.
 */
export function socketPaths(layout: Layout): (worktree: string, service: string) => string {
  let alias: string | undefined;
  return (worktree, service) => {
    const name = `${worktree}/${service}.sock`;
    const direct = `${layout.sockets}/${name}`;
    if (Buffer.byteLength(direct) <= LONGEST) return direct;
    alias ??= makeAlias(layout);
    return `${alias}/${name}`;
  };
}

/**
 * Returns the directory of the server's Unix socket. It is the data directory, which only the account that
 * runs Postgres can enter. Goes through the short link if the path does not fit into an address.
 */
export function ownerSocketDirectory(layout: Layout, port: number): string {
  const name = `.s.PGSQL.${port}`;
  if (Buffer.byteLength(`${layout.db}/${name}`) <= LONGEST) return layout.db;
  return `${makeAlias(layout)}/../../db`;
}

/**
 * Creates a short link to the sockets of a project with a long path.
 *
 * @throws Error if something of another account is in its place
 */
function makeAlias(layout: Layout): string {
  const path = aliasOf(layout);
  const present = lstatIfThere(path);
  if (present && (!present.isSymbolicLink() || present.uid !== BigInt(uidOf()))) {
    throw new Error(
      `${path} is needed as a short name for the sockets of ${layout.root}, and somebody else has it. Remove it, or move the project to a shorter path.`,
    );
  }
  if (readlinkIfThere(path)?.toString() !== layout.sockets) linkAtomically(layout.sockets, path);
  fs.mkdirSync(layout.sockets, { recursive: true, mode: 0o700 });
  sweepAliases(path);
  return path;
}

/** Removes other short links of ours whose projects were deleted while not running. */
function sweepAliases(own: string): void {
  const [directory, name] = [dirname(own), basename(own)];
  for (const other of listIfThere(directory).map(String)) {
    if (other.length !== name.length || !other.startsWith(name.slice(0, -HASH))) continue;
    const path = `${directory}/${other}`;
    // Any account can create links there, to anywhere.
    if (lstatIfThere(path)?.uid !== BigInt(uidOf())) continue;
    const target = readlinkIfThere(path)?.toString() ?? "";
    // A project that still exists recreates its sockets' directory but not the link, so its root is checked.
    if (target.endsWith(SOCKETS) && isGone(target.slice(0, -SOCKETS.length))) {
      fs.rmSync(path, { force: true });
    }
  }
}

/** Tells whether a path does not exist; false if that cannot be determined. */
function isGone(path: string): boolean {
  try {
    return statIfThere(path) === undefined;
  } catch {
    return false;
  }
}

const SOCKETS = "/.ikigai/run/sockets";

/** Number of digits of the path's hash. */
const HASH = 6;

const uidOf = () => process.getuid?.() ?? 0;

function aliasOf({ root }: Layout): string {
  const base = process.env.XDG_RUNTIME_DIR ?? tmpdir();
  const name = `/ikg${uidOf().toString(36)}${sha256(root).slice(0, HASH)}`;
  return [`${base}${name}`, `/tmp${name}`].find((p) => p.length <= ROOM) ?? `/tmp${name}`;
}

/** Removes the short link if there is one and it is this project's. */
export function forgetAlias(layout: Layout): void {
  const path = aliasOf(layout);
  if (readlinkIfThere(path)?.toString() === layout.sockets) fs.rmSync(path, { force: true });
}
