import fs from "node:fs";
import { dirname } from "node:path";
import { execa } from "execa";
import { isSafeForDirenv } from "../../model/envrc.ts";
import type { RawPath } from "../../model/worktree.ts";
import {
  joinRaw,
  readIfThere,
  sha256,
  statIfThere,
  toBuffer,
  writeAtomically,
} from "../fs/files.ts";
import { readRegularFile } from "../fs/regular-file.ts";
import { direnvDirectory, stateDirectory, type UserEnvironment } from "../fs/xdg.ts";

/**
 * `changed`: the file is not the one that was to be allowed. `denied`: the user has denied it. `unsafe`:
 * direnv would execute the directory's name.
 */
export type AllowOutcome = "allowed" | "already" | "denied" | "changed" | "unsafe" | "failed";

const LARGEST = 1_048_576;

/**
 * Allows an `.envrc` in direnv if it contains exactly `content`, by writing the record that `direnv allow`
 * writes (direnv 2.32 to 2.37, internal/cmd/rc.go): starting direnv for each worktree costs more than the
 * rest of the environment. Never overrides a `direnv deny`.
 */
export async function allowEnvrc(
  path: RawPath | string,
  content: string | Uint8Array,
  environment: UserEnvironment = process.env,
): Promise<AllowOutcome> {
  const real = realEnvrc(path);
  if (!real || !readEnvrc(real)?.equals(toBuffer(content))) return "changed";
  if (!isSafeForDirenv(real)) return "unsafe";
  const record = recordOf(real, toBuffer(content), environment);
  if (statIfThere(denyRecord(real, environment))) return "denied";
  const already = statIfThere(record) !== undefined;
  if (!already && wasTakenBack(real, environment)) return "denied";
  if (!already && !(await putRecord(real, record, environment))) return "failed";
  remember(real, record, !already, environment);
  return already ? "already" : "allowed";
}

/** Tells whether direnv would load this `.envrc` as it is now. */
export function isAllowed(
  path: RawPath | string,
  environment: UserEnvironment = process.env,
): boolean {
  const real = realEnvrc(path);
  const content = real && readEnvrc(real);
  if (!real || !content || statIfThere(denyRecord(real, environment))) return false;
  return statIfThere(recordOf(real, content, environment)) !== undefined;
}

/**
 * Tells whether the user's approval of the default worktree's tracked `.envrc` covers another worktree's: the
 * first is allowed, and both have the same content.
 */
export function mayAllowTracked(
  defaultEnvrc: RawPath | string,
  thisEnvrc: RawPath | string,
  environment: UserEnvironment = process.env,
): boolean {
  const mine = readEnvrc(toBuffer(thisEnvrc));
  return (
    mine !== undefined &&
    isAllowed(defaultEnvrc, environment) &&
    readEnvrc(toBuffer(defaultEnvrc))?.equals(mine) === true
  );
}

/** Allows a tracked `.envrc` if `mayAllowTracked` says so. */
export async function allowTrackedEnvrc(
  defaultEnvrc: RawPath | string,
  thisEnvrc: RawPath | string,
  environment: UserEnvironment = process.env,
): Promise<AllowOutcome> {
  const content = readEnvrc(toBuffer(defaultEnvrc));
  if (!content || !mayAllowTracked(defaultEnvrc, thisEnvrc, environment)) return "changed";
  return allowEnvrc(thisEnvrc, content, environment);
}

/** Deletes our note that we allowed a file, which is no longer ours. direnv's record stays. */
export function forgetAllowance(
  path: RawPath | string,
  environment: UserEnvironment = process.env,
): void {
  fs.rmSync(memoryOf(lastingPath(path), environment), { force: true });
}

/**
 * Undoes our permission for a file that is being deleted: removes direnv's record if we created it, never one
 * of the user's.
 */
export function withdrawAllowance(
  path: RawPath | string,
  environment: UserEnvironment = process.env,
): void {
  const { record, own } = readMemory(lastingPath(path), environment);
  if (own && isRecord(record, environment)) fs.rmSync(record, { force: true });
  forgetAllowance(path, environment);
}

/** Returns the real path, or the given one for a deleted directory: git's paths contain no links. */
function lastingPath(path: RawPath | string): Buffer {
  return realEnvrc(path) ?? toBuffer(path);
}

interface Memory {
  readonly directory?: string | undefined;
  readonly record: string;
  /** Whether we created direnv's record. */
  readonly own: boolean;
}

function readMemory(path: Buffer, environment: UserEnvironment): Memory {
  const lines = readIfThere(memoryOf(path, environment))?.toString().split("\n") ?? [];
  const [directory, record = "", own] = lines;
  return { directory, record, own: own === OWN };
}

const OWN = "own";

function isRecord(path: string, environment: UserEnvironment): boolean {
  const allow = `${direnvDirectory(environment)}/allow/`;
  return path.startsWith(allow) && /^[0-9a-f]{64}$/.test(path.slice(allow.length));
}

/**
 * Detects a deny by direnv up to 2.32, which leaves no trace but our missing record, for the same directory.
 */
function wasTakenBack(path: Buffer, environment: UserEnvironment): boolean {
  const { directory, record } = readMemory(path, environment);
  if (directory === undefined || directory !== identityOf(path)) return false;
  return !!record && !!statIfThere(dirname(record)) && !statIfThere(record);
}

async function putRecord(
  path: Buffer,
  record: string,
  environment: UserEnvironment,
): Promise<boolean> {
  try {
    fs.mkdirSync(dirname(record), { recursive: true, mode: 0o755 });
    writeAtomically(record, Buffer.concat([path, NEWLINE]), { mode: 0o644, durable: false });
    return true;
  } catch {
    const asked = await execa("direnv", ["allow", path.toString()], {
      env: { ...environment },
      extendEnv: false,
      reject: false,
      stdin: "ignore",
    });
    return asked.exitCode === 0;
  }
}

function remember(path: Buffer, record: string, made: boolean, environment: UserEnvironment): void {
  const memory = memoryOf(path, environment);
  const before = readMemory(path, environment);
  const isOwn = made || (before.own && before.record === record);
  const line = `${identityOf(path)}\n${record}\n${isOwn ? `${OWN}\n` : ""}`;
  if (readIfThere(memory)?.toString() === line) return;
  try {
    // Undoes the permission for the file's earlier content.
    if (before.record !== record) withdrawAllowance(path, environment);
    fs.mkdirSync(dirname(memory), { recursive: true, mode: 0o700 });
    writeAtomically(memory, line, { durable: false });
  } catch {
    // Without this note only a later deny by an old direnv is missed.
  }
}

/** Inode and birth time: a new worktree at an old one's path is another directory. */
function identityOf(path: Buffer): string {
  const stat = statIfThere(directoryOf(path));
  return stat ? `${stat.ino.toString(36)}-${stat.birthtimeNs.toString(36)}` : "";
}

/** Resolves links in the directory, as direnv does (since 2.30). */
function realEnvrc(path: RawPath | string): Buffer | undefined {
  const directory = directoryOf(toBuffer(path));
  if (!statIfThere(directory)) return undefined;
  return joinRaw(fs.realpathSync.native(directory, { encoding: "buffer" }), ".envrc");
}

function readEnvrc(path: Buffer): Buffer | undefined {
  const read = readRegularFile(path, LARGEST);
  return read.kind === "read" ? read.content : undefined;
}

function directoryOf(path: Buffer): Buffer {
  return path.subarray(0, Math.max(1, path.lastIndexOf("/")));
}

function recordOf(path: Buffer, content: Buffer, environment: UserEnvironment): string {
  return `${direnvDirectory(environment)}/allow/${sha256(Buffer.concat([path, NEWLINE, content]))}`;
}

function denyRecord(path: Buffer, environment: UserEnvironment): string {
  return `${direnvDirectory(environment)}/deny/${sha256(Buffer.concat([path, NEWLINE]))}`;
}

function memoryOf(path: Buffer, environment: UserEnvironment): string {
  return `${stateDirectory(environment)}/direnv/${sha256(path)}`;
}

const NEWLINE = Buffer.from("\n");
