import { randomBytes } from "node:crypto";
import fs from "node:fs";
import {
  ENVIRONMENT_FILE,
  ENVRC_MARK,
  isOwnEnvrc,
  isSafeForDirenv,
  renderEnvrc,
} from "../../model/envrc.ts";
import type { RawPath } from "../../model/worktree.ts";
import { codeOf, isAbsent, joinRaw, lstatIfThere, writeAtomically } from "../fs/files.ts";
import { readRegularFile } from "../fs/regular-file.ts";
import { surelyLacks } from "../git/index-file.ts";
import { isBeingRemoved } from "../git/removal.ts";
import { tracks } from "../git/tracked-files.ts";
import { withdrawAllowance } from "./allow.ts";

/**
 * What became of an `.envrc`. `tracked` and `foreign` ones are somebody else's and
 * left alone; `unsafe` is a directory whose name direnv would run, which gets none; and one
 * that is `going` gets none either, as git could not remove it then.
 */
export type EnvrcOutcome = "written" | "unchanged" | "tracked" | "foreign" | "unsafe" | "going";

/** Where an `.envrc` goes and what it loads. */
export interface EnvrcPlace {
  /** The top of a worktree, or the project's root. */
  readonly directory: RawPath | string;
  /** The environment file, absolute. */
  readonly environmentFile: string;
  /** A directory outside of any working tree for the half-written file. */
  readonly scratch: string;
  /** False for a project's root that is no worktree: git has nothing to say there. */
  readonly worktree: boolean;
  /** The administrative directory of a worktree that is new: its index says all that HEAD does. */
  readonly fresh?: RawPath | undefined;
}

/** Writes our `.envrc`, unless the directory has one of its own or git tracks one there. */
export async function writeEnvrc(place: EnvrcPlace): Promise<EnvrcOutcome> {
  const path = joinRaw(place.directory, ".envrc");
  if (!isSafeForDirenv(path)) {
    removeEnvrc(place.directory);
    return "unsafe";
  }
  const content = renderEnvrc(place.environmentFile);
  const present = inspectEnvrc(path);
  if (present.kind === "foreign") return "foreign";
  if (present.kind === "ours" && present.text === content) return "unchanged";
  // Also a tracked file that is missing: ours in its place would show in `git status`.
  const lacks = place.fresh !== undefined && surelyLacks(place.fresh, ".envrc");
  if (place.worktree && !lacks && (await tracks(place.directory, ".envrc"))) return "tracked";
  const isNew = place.fresh !== undefined || present.kind !== "absent";
  if (place.worktree && !isNew && (await isBeingRemoved(place.directory))) return "going";
  return put(path, content, place.scratch, present.kind === "ours") ? "written" : "foreign";
}

/** Takes our `.envrc` away; anybody else's stays. */
export function removeEnvrc(directory: RawPath | string): "removed" | "absent" | "foreign" {
  const path = joinRaw(directory, ".envrc");
  const present = inspectEnvrc(path);
  if (present.kind !== "ours") return present.kind;
  fs.rmSync(path, { force: true });
  withdrawAllowance(path);
  return "removed";
}

/**
 * Puts an environment where an `.envrc` may load it: into git's own directory for the worktree. In an
 * ordinary clone a branch can hold files of `.ikigai`, which a shell would run at its next prompt.
 *
 * @returns the file; `otherwise` where something else than a file is there, or its name is one that no
 *   `.envrc` can say
 */
export function putEnvironment(
  gitDir: RawPath | string,
  content: string,
  otherwise: string,
): string {
  const path = joinRaw(gitDir, ENVIRONMENT_FILE);
  const name = path.toString();
  const present = inspectEnvrc(path);
  const there = lstatIfThere(path);
  // Nobody but us puts a file of that name among git's own: one without our mark was damaged.
  const isOurs = !there || there.isFile() || there.isSymbolicLink();
  if (!Buffer.from(name).equals(path) || !isOurs) return otherwise;
  const text = `${ENVRC_MARK}\n${content}`;
  const same = present.kind === "ours" && present.text === text;
  if (!same) writeAtomically(name, text, { durable: false });
  return name;
}

/** Takes away what `putEnvironment` made. */
export function unlinkEnvironment(gitDir: RawPath | string): void {
  const path = joinRaw(gitDir, ENVIRONMENT_FILE);
  if (inspectEnvrc(path).kind === "ours") fs.rmSync(path, { force: true });
}

type Present =
  | { readonly kind: "absent" | "foreign" }
  | { readonly kind: "ours"; readonly text: string };

function inspectEnvrc(path: Buffer): Present {
  if (!lstatIfThere(path)) return { kind: "absent" };
  const read = readRegularFile(path, 65_536);
  if (read.kind !== "read") return { kind: "foreign" };
  const text = read.content.toString();
  return isOwnEnvrc(text) ? { kind: "ours", text } : { kind: "foreign" };
}

/** False when somebody else's file appeared meanwhile. */
function put(path: Buffer, content: string, scratch: string, replace: boolean): boolean {
  const temporary = `${scratch}/.envrc.${randomBytes(6).toString("hex")}`;
  try {
    fs.writeFileSync(temporary, content, { flag: "wx", mode: 0o644 });
    if (replace) fs.renameSync(temporary, path);
    else fs.linkSync(temporary, path);
    return true;
  } catch (error) {
    if (codeOf(error) === "EEXIST") return false;
    // Another file system, or one without hard links.
    if (!["EXDEV", "EPERM", "ENOTSUP", "EMLINK"].includes(codeOf(error) ?? "")) throw error;
    return putInPlace(path, content, replace);
  } finally {
    fs.rmSync(temporary, { force: true });
  }
}

function putInPlace(path: Buffer, content: string, replace: boolean): boolean {
  const { O_WRONLY, O_TRUNC, O_CREAT, O_EXCL, O_NOFOLLOW, O_NONBLOCK } = fs.constants;
  // A checkout may have put a link there by now.
  const how = replace ? O_TRUNC | O_NOFOLLOW | O_NONBLOCK : O_CREAT | O_EXCL;
  try {
    const file = fs.openSync(path, O_WRONLY | how, 0o644);
    try {
      fs.writeFileSync(file, content);
    } finally {
      fs.closeSync(file);
    }
    return true;
  } catch (error) {
    // ENXIO is a pipe that nobody reads.
    const taken = ["EEXIST", "ELOOP", "EISDIR", "ENXIO"].includes(codeOf(error) ?? "");
    if (taken || isAbsent(error)) return false;
    throw error;
  }
}
