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
 * What happened to an `.envrc`. `tracked` and `foreign`: not ours, left alone. `unsafe`: direnv would execute
 * the directory's name, so none is written. `going`: the worktree is being deleted, which a new file would
 * prevent, so none is written.
 */
export type EnvrcOutcome = "written" | "unchanged" | "tracked" | "foreign" | "unsafe" | "going";

/** Where an `.envrc` belongs and what it loads. */
export interface EnvrcPlace {
  /** The top of a worktree, or the project's root. */
  readonly directory: RawPath | string;
  /** The environment file, absolute. */
  readonly environmentFile: string;
  /** A directory outside of any working tree for the temporary file. */
  readonly scratch: string;
  /** False for a project's root that is not a worktree, where git is not asked. */
  readonly worktree: boolean;
  /** The administrative directory of a new worktree, whose index equals HEAD. */
  readonly fresh?: RawPath | undefined;
}

/** Writes our `.envrc`, unless the directory has another one or git tracks one there. */
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
  // Applies to a missing tracked file too: ours in its place would show in `git status`.
  const lacks = place.fresh !== undefined && surelyLacks(place.fresh, ".envrc");
  if (place.worktree && !lacks && (await tracks(place.directory, ".envrc"))) return "tracked";
  const isNew = place.fresh !== undefined || present.kind !== "absent";
  if (place.worktree && !isNew && (await isBeingRemoved(place.directory))) return "going";
  return put(path, content, place.scratch, present.kind === "ours") ? "written" : "foreign";
}

/** Removes our `.envrc`; leaves any other alone. */
export function removeEnvrc(directory: RawPath | string): "removed" | "absent" | "foreign" {
  const path = joinRaw(directory, ".envrc");
  const present = inspectEnvrc(path);
  if (present.kind !== "ours") return present.kind;
  fs.rmSync(path, { force: true });
  withdrawAllowance(path);
  return "removed";
}

/**
 * Writes the environment into git's administrative directory of the worktree, where an `.envrc` may load it.
 * In an ordinary clone a branch can track files in `.ikigai`, which a shell would execute at its next prompt.
 *
 * @returns the file's path, or `otherwise` if the path holds something other than a file or an `.envrc`
 * cannot express its name
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
  // Only we create a file of that name among git's own; one without our mark was damaged.
  const isOurs = !there || there.isFile() || there.isSymbolicLink();
  if (!Buffer.from(name).equals(path) || !isOurs) return otherwise;
  const text = `${ENVRC_MARK}\n${content}`;
  const same = present.kind === "ours" && present.text === text;
  if (!same) writeAtomically(name, text, { durable: false });
  return name;
}

/** Removes what `putEnvironment` wrote. */
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

/** Returns false if another file appeared meanwhile. */
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
  // A checkout may have created a link there by now.
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
    // ENXIO: a pipe without a reader.
    const taken = ["EEXIST", "ELOOP", "EISDIR", "ENXIO"].includes(codeOf(error) ?? "");
    if (taken || isAbsent(error)) return false;
    throw error;
  }
}
