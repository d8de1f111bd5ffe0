import { joinRaw, lstatIfThere, readIfThere, statIfThere } from "../host/fs/files.ts";
import type { RawPath, Worktree } from "../model/worktree.ts";
import { coreValue } from "./git-config.ts";

/** Where git keeps what it knows of a worktree. */
interface WorktreeRecord {
  readonly name: Buffer;
  readonly gitDir: Buffer;
  readonly isMain: boolean;
}

/** Gets whether a worktree's directory is missing, and returns whether the worktree counts as removed. */
export type IsMissing = (identity: string, away: boolean) => boolean;

/** Reads one worktree; undefined if its administrative directory was removed meanwhile. */
export function readWorktree(
  raw: WorktreeRecord,
  slug: string,
  commonDir: string,
  isGone: IsMissing,
): Worktree | undefined {
  const stat = statIfThere(raw.gitDir);
  if (!stat?.isDirectory()) return undefined;
  const path = raw.isMain ? mainPath(commonDir) : linkedPath(raw.gitDir);
  const locked = raw.isMain ? undefined : readIfThere(joinRaw(raw.gitDir, "locked"));
  const branch = branchOf(raw.gitDir);
  const identity = `${stat.ino.toString(36)}-${stat.birthtimeNs.toString(36)}`;
  const presence = presenceOf(path, raw, locked !== undefined);
  const gone = isGone(identity, presence === "away");
  return {
    slug,
    name: raw.name.toString(),
    identity,
    gitDir: raw.gitDir,
    path: path ?? Buffer.alloc(0),
    ...(branch === undefined ? {} : { branch }),
    isMain: raw.isMain,
    isDefault: false,
    ...(locked ? { locked: locked.toString().trim() } : {}),
    state: presence === "away" ? (gone ? "gone" : "unknown") : presence,
  };
}

/**
 * Judges whether a worktree's directory is there. Unknown if `gitdir` is missing (an unfinished add), if a
 * missing worktree is locked (it may be on an unmounted disk), or if another worktree has the directory now.
 */
function presenceOf(
  path: RawPath | undefined,
  raw: WorktreeRecord,
  locked: boolean,
): "present" | "unknown" | "away" {
  if (!path) return "unknown";
  const dotGit = lstatIfThere(joinRaw(path, ".git"));
  if (dotGit) return raw.isMain || pointsBack(path, raw.gitDir) ? "present" : "unknown";
  return locked || raw.isMain ? "unknown" : "away";
}

/** False only if the `.git` there names another existing directory, of a copy or another repository. */
function pointsBack(path: RawPath, gitDir: Buffer): boolean {
  const dotGit = joinRaw(path, ".git");
  if (!statIfThere(dotGit)?.isFile()) return false;
  const text = readIfThere(dotGit);
  if (!text?.subarray(0, GITDIR.length).equals(GITDIR)) return true;
  const named = withoutNewlines(text.subarray(GITDIR.length));
  const there = statIfThere(named.at(0) === 0x2f ? named : joinRaw(path, named));
  const here = statIfThere(gitDir);
  return !there || (there.ino === here?.ino && there.dev === here.dev);
}

const GITDIR = Buffer.from("gitdir: ");

function withoutNewlines(bytes: Buffer): Buffer {
  let end = bytes.length;
  while (end > 0 && (bytes[end - 1] === 0x0a || bytes[end - 1] === 0x0d)) end--;
  return bytes.subarray(0, end);
}

function linkedPath(gitDir: Buffer): Buffer | undefined {
  const gitdir = readIfThere(joinRaw(gitDir, "gitdir"));
  if (!gitdir || gitdir.length === 0) return undefined;
  const dotGit = withoutNewlines(gitdir);
  const top = dotGit.subarray(0, dotGit.lastIndexOf("/"));
  return top.at(0) === 0x2f ? top : resolveRaw(gitDir, top);
}

/** Resolves a relative `gitdir` (extensions.relativeWorktrees) against the administrative directory. */
function resolveRaw(base: Buffer, relative: Buffer): Buffer {
  const parts = base.toString("latin1").split("/");
  for (const part of relative.toString("latin1").split("/")) {
    if (part === "..") parts.pop();
    else if (part !== "." && part !== "") parts.push(part);
  }
  return Buffer.from(parts.join("/"), "latin1");
}

function mainPath(commonDir: string): Buffer {
  const configured = coreValue(commonDir, "worktree");
  if (configured?.startsWith("/")) return Buffer.from(configured);
  if (configured) return resolveRaw(Buffer.from(commonDir), Buffer.from(configured));
  return Buffer.from(commonDir.slice(0, commonDir.lastIndexOf("/")) || "/");
}

function branchOf(gitDir: Buffer): string | undefined {
  const head = readIfThere(joinRaw(gitDir, "HEAD"))?.toString().trimEnd();
  return head?.startsWith("ref: refs/heads/") ? head.slice("ref: refs/heads/".length) : undefined;
}
