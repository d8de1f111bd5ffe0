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
 * `changed`: the file is not the one that was to be allowed. `denied`: the user's
 * word stands. `unsafe`: direnv would run the directory's name.
 */
export type AllowOutcome = "allowed" | "already" | "denied" | "changed" | "unsafe" | "failed";

const LARGEST = 1_048_576;

/**
 * Lets direnv load an `.envrc`, provided that it holds exactly `content`, by
 * writing the record that `direnv allow` writes (direnv 2.32 to 2.37,
 * internal/cmd/rc.go): a start of direnv for each worktree costs more than the
 * rest of the environment. Never goes against a `direnv deny`.
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

/** Whether direnv would load this `.envrc` as it is now. */
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
 * Whether the user's word for the default worktree's tracked `.envrc` covers
 * another worktree's: the first is allowed, and the bytes are the same.
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

/** Lets direnv load a tracked `.envrc` where `mayAllowTracked` says that it may. */
export async function allowTrackedEnvrc(
  defaultEnvrc: RawPath | string,
  thisEnvrc: RawPath | string,
  environment: UserEnvironment = process.env,
): Promise<AllowOutcome> {
  const content = readEnvrc(toBuffer(defaultEnvrc));
  if (!content || !mayAllowTracked(defaultEnvrc, thisEnvrc, environment)) return "changed";
  return allowEnvrc(thisEnvrc, content, environment);
}

/** Forgets that we allowed a file: it is no longer ours. What was allowed stays so. */
export function forgetAllowance(
  path: RawPath | string,
  environment: UserEnvironment = process.env,
): void {
  fs.rmSync(memoryOf(lastingPath(path), environment), { force: true });
}

/** Takes back that we allowed a file, which goes: the record that we made of it, none of the user's. */
export function withdrawAllowance(
  path: RawPath | string,
  environment: UserEnvironment = process.env,
): void {
  const { record, own } = readMemory(lastingPath(path), environment);
  if (own && isRecord(record, environment)) fs.rmSync(record, { force: true });
  forgetAllowance(path, environment);
}

/** Also of a directory that is gone: git's paths have no symbolic links left in them. */
function lastingPath(path: RawPath | string): Buffer {
  return realEnvrc(path) ?? toBuffer(path);
}

interface Memory {
  readonly directory?: string | undefined;
  readonly record: string;
  /** We made the record; it was not there before. */
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

/** Up to 2.32 a deny leaves no trace but the missing record: ours, for this very directory. */
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
    // Of what the file held before.
    if (before.record !== record) withdrawAllowance(path, environment);
    fs.mkdirSync(dirname(memory), { recursive: true, mode: 0o700 });
    writeAtomically(memory, line, { durable: false });
  } catch {
    // Without a memory only a later deny by an old direnv is missed.
  }
}

/** Inode and birth time: a new worktree in an old one's place is another directory. */
function identityOf(path: Buffer): string {
  const stat = statIfThere(directoryOf(path));
  return stat ? `${stat.ino.toString(36)}-${stat.birthtimeNs.toString(36)}` : "";
}

/** direnv goes by the path without symbolic links (since 2.30). */
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
