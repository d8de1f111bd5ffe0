import fs from "node:fs";
import type { Trustable, TrustKind } from "../../model/trust.ts";
import type { RawPath } from "../../model/worktree.ts";
import {
  listIfThere,
  lstatIfThere,
  readIfThere,
  sha256,
  statIfThere,
  writeAtomically,
} from "../fs/files.ts";
import { stateDirectory, type UserEnvironment } from "../fs/xdg.ts";

/** One piece of content that a person has approved. */
export interface Approval extends Trustable {
  /** The name of its file. */
  readonly id: string;
  readonly project: string;
  /** ISO 8601. */
  readonly at: string;
}

const KINDS: readonly string[] = [
  "configuration",
  "command",
  "permissions",
  "environment",
  "program",
  "run",
  "task",
] satisfies TrustKind[];

/**
 * Returns what identifies a project in approvals: inode and birth time of its repository's directory, which a
 * move does not change.
 *
 * @throws Error if the repository no longer exists
 */
export function projectIdentity(commonDir: RawPath | string): string {
  const stat = statIfThere(commonDir);
  if (!stat)
    throw new Error("The repository's directory is gone; run this inside of a repository.");
  return `${stat.ino.toString(36)}-${stat.birthtimeNs.toString(36)}`;
}

/** Tells whether exactly this content has been approved in this project. */
export function isTrusted(
  project: string,
  trustable: Trustable,
  environment: UserEnvironment = process.env,
): boolean {
  const directory = trustDirectory(environment);
  return isPrivate(directory) && readApproval(directory, idOf(project, trustable)) !== undefined;
}

/** Returns those that are not approved, in order. */
export function untrusted(
  project: string,
  trustables: readonly Trustable[],
  environment: UserEnvironment = process.env,
): Trustable[] {
  return trustables.filter((trustable) => !isTrusted(project, trustable, environment));
}

/**
 * Approves contents; existing approvals are not changed.
 *
 * @throws Error if others can write to the directory of approvals
 */
export function approve(
  project: string,
  trustables: readonly Trustable[],
  environment: UserEnvironment = process.env,
): void {
  const directory = requirePrivate(environment);
  for (const { kind, what, hash, text } of untrusted(project, trustables, environment)) {
    const content = { project, kind, what, hash, text, at: new Date().toISOString() };
    const file = `${directory}/${idOf(project, { kind, what, hash })}`;
    writeAtomically(file, `${JSON.stringify(content)}\n`);
  }
}

/**
 * Tells whether the initial, implicit approval of the default worktree is over: the project has been
 * initialized or something in it approved, and no initial approval was interrupted.
 */
export function isInitialApprovalDone(
  project: string,
  prepared: boolean,
  environment: UserEnvironment = process.env,
): boolean {
  const directory = trustDirectory(environment);
  if (isPrivate(directory) && lstatIfThere(firstMark(directory, project))?.isFile()) return false;
  return prepared || listApprovals(project, environment).length > 0;
}

/** Marks the initial approval of a project as begun, so that it is repeated if interrupted. */
export function beginInitialApproval(
  project: string,
  environment: UserEnvironment = process.env,
): void {
  writeAtomically(firstMark(requirePrivate(environment), project), "");
}

/** Removes the mark of `beginInitialApproval`. */
export function endInitialApproval(
  project: string,
  environment: UserEnvironment = process.env,
): void {
  fs.rmSync(firstMark(trustDirectory(environment), project), { force: true });
}

/** Lists the approvals of one project or of all, the newest first. Skips damaged ones. */
export function listApprovals(
  project?: string,
  environment: UserEnvironment = process.env,
): Approval[] {
  const directory = trustDirectory(environment);
  if (!isPrivate(directory)) return [];
  return listIfThere(directory)
    .flatMap((name) => readApproval(directory, name.toString()) ?? [])
    .filter((approval) => project === undefined || approval.project === project)
    .sort((a, b) => b.at.localeCompare(a.at));
}

/** Returns the content last approved under this kind and name, to show what has changed since. */
export function lastApproved(
  project: string,
  { kind, what }: Pick<Trustable, "kind" | "what">,
  environment: UserEnvironment = process.env,
): Approval | undefined {
  return listApprovals(project, environment).find((a) => a.kind === kind && a.what === what);
}

function trustDirectory(environment: UserEnvironment): string {
  return `${stateDirectory(environment)}/trust`;
}

/** Approvals are named by a hash, so this name is never one of theirs. */
function firstMark(directory: string, project: string): string {
  return `${directory}/${project}.first`;
}

/** @throws Error if others could add approvals too */
function requirePrivate(environment: UserEnvironment): string {
  const directory = trustDirectory(environment);
  fs.mkdirSync(directory, { recursive: true, mode: 0o700 });
  if (isPrivate(directory)) return directory;
  throw new Error(
    `Nothing is approved: ${directory} can be written by others. Type: chmod 700 ${JSON.stringify(directory)}`,
  );
}

/** Tells whether the directory is ours and no other account can write to it. */
function isPrivate(directory: string): boolean {
  const stat = lstatIfThere(directory);
  if (!stat?.isDirectory()) return false;
  return Number(stat.uid) === process.getuid?.() && (Number(stat.mode) & 0o022) === 0;
}

function idOf(
  project: string,
  { kind, what, hash }: Pick<Trustable, "kind" | "what" | "hash">,
): string {
  return sha256(JSON.stringify([project, kind, what, hash]));
}

/** Reads an approval; undefined if its content does not match its name. */
function readApproval(directory: string, id: string): Approval | undefined {
  const stat = lstatIfThere(`${directory}/${id}`);
  if (!stat?.isFile()) return undefined;
  try {
    const value: unknown = JSON.parse(readIfThere(`${directory}/${id}`)?.toString() ?? "");
    if (!isApproval(value) || idOf(value.project, value) !== id) return undefined;
    return { ...value, id };
  } catch {
    return undefined;
  }
}

function isApproval(value: unknown): value is Omit<Approval, "id"> {
  if (typeof value !== "object" || value === null) return false;
  const has = (key: string) =>
    typeof Object.getOwnPropertyDescriptor(value, key)?.value === "string";
  const textIsRight = !Object.hasOwn(value, "text") || has("text");
  const kind: unknown = Object.getOwnPropertyDescriptor(value, "kind")?.value;
  return (
    ["project", "kind", "what", "hash", "at"].every(has) &&
    KINDS.includes(String(kind)) &&
    textIsRight
  );
}
