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

/** A socket's address holds 108 bytes with the NUL behind it (unix(7)); 104 on macOS. */
const LONGEST = process.platform === "darwin" ? 103 : 107;

/** What two slugs of 40, two slashes and `.sock` leave for the directory. */
const ROOM = LONGEST - 87;

/** The path that a backend binds, through a short link where the direct one is too long. */
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
 * The directory of the server's Unix socket, which is the data directory: only the account that
 * Postgres runs as can enter it. Through the short link where a client's address has no room for it.
 */
export function ownerSocketDirectory(layout: Layout, port: number): string {
  const name = `.s.PGSQL.${port}`;
  if (Buffer.byteLength(`${layout.db}/${name}`) <= LONGEST) return layout.db;
  return `${makeAlias(layout)}/../../db`;
}

/**
 * A short link to the sockets of a project with a long path. Refused when
 * somebody else has put something there.
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

/** Takes away the short links, beside this one, of projects that were deleted while nothing of them ran. */
function sweepAliases(own: string): void {
  const [directory, name] = [dirname(own), basename(own)];
  for (const other of listIfThere(directory).map(String)) {
    if (other.length !== name.length || !other.startsWith(name.slice(0, -HASH))) continue;
    const path = `${directory}/${other}`;
    // Anybody may put a link there, and lead us anywhere.
    if (lstatIfThere(path)?.uid !== BigInt(uidOf())) continue;
    const target = readlinkIfThere(path)?.toString() ?? "";
    // A project that is there makes its sockets' directory anew, but not the link.
    if (target.endsWith(SOCKETS) && isGone(target.slice(0, -SOCKETS.length))) {
      fs.rmSync(path, { force: true });
    }
  }
}

/** False also where it cannot be told. */
function isGone(path: string): boolean {
  try {
    return statIfThere(path) === undefined;
  } catch {
    return false;
  }
}

const SOCKETS = "/.ikigai/run/sockets";

/** Digits of the path's hash. */
const HASH = 6;

const uidOf = () => process.getuid?.() ?? 0;

function aliasOf({ root }: Layout): string {
  const base = process.env.XDG_RUNTIME_DIR ?? tmpdir();
  const name = `/ikg${uidOf().toString(36)}${sha256(root).slice(0, HASH)}`;
  return [`${base}${name}`, `/tmp${name}`].find((p) => p.length <= ROOM) ?? `/tmp${name}`;
}

/** Takes the short link away, where there is one and it is this project's. */
export function forgetAlias(layout: Layout): void {
  const path = aliasOf(layout);
  if (readlinkIfThere(path)?.toString() === layout.sockets) fs.rmSync(path, { force: true });
}
