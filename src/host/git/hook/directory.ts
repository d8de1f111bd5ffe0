import { isUtf8 } from "node:buffer";
import fs from "node:fs";
import { execa } from "execa";
import type { RawPath, Worktree } from "../../../model/worktree.ts";
import {
  isAbsent,
  joinRaw,
  lstatIfThere,
  readIfThere,
  statIfThere,
  toBuffer,
} from "../../fs/files.ts";
import { DirectoryCache } from "../directory-cache.ts";
import { gitEnvironment } from "../environment.ts";
import { type HookConfig, stampOf } from "./config.ts";
import { HOOK_BODY, HOOK_EVENTS } from "./script.ts";

/** Whether ikigai may write into a hooks directory, and if not, why. */
export type Permission =
  | "yes"
  /** Yes, and create it: husky's own directory, which its next run would create. */
  | "make"
  /** git status would show it: the repository tracks it or does not ignore it. */
  | "visible"
  /** Other repositories use it too. */
  | "shared"
  /** It does not exist. */
  | "missing"
  /** It is not a directory: hooks are switched off. */
  | "off";

/**
 * Returns the directory whose hooks git runs in a worktree (core.hooksPath in git-config(1)). A relative path
 * starts at the worktree's top.
 *
 * @returns undefined if the path is relative and there is no worktree
 */
export function hooksDirectory(
  commonDir: string,
  config: HookConfig,
  top: RawPath | undefined,
): Buffer | undefined {
  const { hooksPath } = config;
  if (hooksPath === undefined) return joinRaw(commonDir, "hooks");
  if (hooksPath.startsWith("/")) return Buffer.from(hooksPath);
  return top && top.length > 0 ? joinRaw(top, hooksPath) : undefined;
}

/**
 * Decides whether ikigai may write into a hooks directory. Runs git only if the files that matter have
 * changed.
 */
export async function permissionFor(
  directory: Buffer,
  commonDir: string,
  config: HookConfig,
  env: NodeJS.ProcessEnv,
): Promise<Permission> {
  const stat = statIfThere(directory);
  if (stat && !stat.isDirectory()) return "off";
  const real = realOf(directory);
  const common = realOf(Buffer.from(commonDir));
  if (isInside(real, common)) return "yes";
  const own = config.scope === "local" || config.scope === "worktree";
  const relative = config.hooksPath !== undefined && !config.hooksPath.startsWith("/");
  if (!own && !relative) return "shared";
  const top = topAbove(real);
  if (!top) return stat ? "yes" : "missing";
  return await permissionInWorktree(real, top, stat !== undefined, env);
}

const known = new DirectoryCache<{ readonly stamp: string; readonly permission: Permission }>();

async function permissionInWorktree(
  directory: Buffer,
  top: Buffer,
  exists: boolean,
  env: NodeJS.ProcessEnv,
): Promise<Permission> {
  const key = directory.toString("latin1");
  const stamp = `${exists} ${stampOf([
    joinRaw(directory, ".gitignore"),
    joinRaw(top, ".gitignore"),
    joinRaw(gitDirOf(top), "index"),
    directory.subarray(0, directory.lastIndexOf("/")),
  ])}`;
  const before = known.get(key);
  if (before?.stamp === stamp) return before.permission;
  const permission = await askGit(directory, top, exists, env);
  known.set(key, top, { stamp, permission });
  return permission;
}

async function askGit(
  directory: Buffer,
  top: Buffer,
  exists: boolean,
  env: NodeJS.ProcessEnv,
): Promise<Permission> {
  // A path that is not UTF-8 cannot be passed as an argument.
  if (!isUtf8(directory)) return "visible";
  const below = directory.subarray(top.length + 1).toString();
  const options = { cwd: top.toString(), env: gitEnvironment(env), extendEnv: false } as const;
  const git = (...args: string[]) =>
    execa("git", ["--git-dir", joinRaw(top, ".git").toString(), ...args], options);
  // A bare repository has no worktree whose status could show anything.
  const inside = await git("rev-parse", "--is-inside-work-tree");
  if (inside.stdout === "false") return exists ? "yes" : "missing";
  if (!exists && isHuskys(directory)) {
    const tracked = await git("--literal-pathspecs", "ls-files", "-z", "--", below);
    return tracked.stdout === "" ? "make" : "visible";
  }
  const names = [...HOOK_EVENTS, HOOK_BODY].map((name) => `${below}/${name}`);
  const input = `${names.join("\0")}\0`;
  const args = ["--git-dir", joinRaw(top, ".git").toString(), "check-ignore", "-z", "--stdin"];
  // check-ignore lists the ignored paths, and exits with 1 if there are none.
  const ignored = await execa("git", args, { ...options, input, reject: false });
  if (ignored.stdout.split("\0").length - 1 < names.length) return "visible";
  return exists ? "yes" : "missing";
}

/** husky 9 points core.hooksPath at `_` in its directory, creates it and has git ignore it. */
function isHuskys(directory: Buffer): boolean {
  const text = directory.toString("latin1");
  return text.endsWith("/_") && !!statIfThere(directory.subarray(0, -2))?.isDirectory();
}

/** Returns the top of the worktree that contains a path. */
function topAbove(path: Buffer): Buffer | undefined {
  for (let at = path.lastIndexOf("/"); at > 0; at = path.lastIndexOf("/", at - 1)) {
    const above = path.subarray(0, at);
    if (lstatIfThere(joinRaw(above, ".git"))) return above;
  }
  return undefined;
}

/** Returns a worktree's administrative directory as its `.git` names it (gitrepository-layout(5)). */
function gitDirOf(top: Buffer): Buffer {
  const dotGit = joinRaw(top, ".git");
  if (!statIfThere(dotGit)?.isFile()) return dotGit;
  const text = readIfThere(dotGit)?.toString("latin1") ?? "";
  const path = text.replace(/^gitdir: /, "").replace(/[\r\n]+$/, "");
  return path.startsWith("/")
    ? Buffer.from(path, "latin1")
    : joinRaw(top, Buffer.from(path, "latin1"));
}

function isInside(path: Buffer, directory: Buffer): boolean {
  return path.toString("latin1").startsWith(`${directory.toString("latin1")}/`);
}

/** Resolves links, also for a path that does not exist yet. */
function realOf(path: Buffer): Buffer {
  try {
    return fs.realpathSync(path, { encoding: "buffer" });
  } catch (error) {
    if (!isAbsent(error)) throw error;
    const cut = path.lastIndexOf("/");
    return cut <= 0 ? path : joinRaw(realOf(path.subarray(0, cut)), path.subarray(cut + 1));
  }
}

/** The parts of a worktree that git's hooks depend on. */
export type HookWorktree = Pick<Worktree, "slug" | "gitDir" | "path">;

/** Formats a path for display; control characters and broken encodings must not reach a terminal. */
export function displayPath(path: RawPath): string {
  return toBuffer(path)
    .toString()
    .replace(/[\p{Cc}\p{Cf}]/gu, "\uFFFD");
}
