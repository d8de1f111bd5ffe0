import fs from "node:fs";
import {
  joinRaw,
  listIfThere,
  lstatIfThere,
  readIfThere,
  sha256,
  statIfThere,
  toBuffer,
} from "../host/files.ts";
import { assignSlugs } from "../model/slug.ts";
import type { RawPath, Worktree } from "../model/worktree.ts";

/** The name of the main worktree of an ordinary clone: git has none for it. */
const MAIN = Buffer.from("main");

interface Raw {
  readonly name: Buffer;
  readonly gitDir: Buffer;
  readonly isMain: boolean;
}

/**
 * Every worktree of a repository, read from git's files (gitrepository-layout(5))
 * rather than from `git worktree list`, which fails while an add is half done.
 */
export function readWorktrees(commonDir: string, configuredDefault?: string): Worktree[] {
  const raw: Raw[] = listIfThere(joinRaw(commonDir, "worktrees"))
    .sort(Buffer.compare)
    .map((name) => ({ name, gitDir: joinRaw(commonDir, "worktrees", name), isMain: false }));
  if (!isBareRepository(commonDir)) {
    raw.unshift({ name: MAIN, gitDir: Buffer.from(commonDir), isMain: true });
  }
  const slugs = assignSlugs(
    raw.map((r) => r.name),
    sha256,
  );
  const worktrees = raw.flatMap((r, i) => {
    const worktree = readWorktree(r, slugs[i] ?? "", commonDir);
    return worktree ? [worktree] : [];
  });
  const chosen = chooseDefault(worktrees, commonDir, configuredDefault);
  return worktrees.map((w) => ({ ...w, isDefault: w === chosen }));
}

/** Undefined when the administrative directory went away while we were reading. */
function readWorktree(raw: Raw, slug: string, commonDir: string): Worktree | undefined {
  const stat = statIfThere(raw.gitDir);
  if (!stat?.isDirectory()) return undefined;
  const path = raw.isMain ? mainPath(commonDir) : linkedPath(raw.gitDir);
  const locked = raw.isMain ? undefined : readIfThere(joinRaw(raw.gitDir, "locked"));
  const branch = branchOf(raw.gitDir);
  return {
    slug,
    name: raw.name.toString(),
    identity: `${stat.ino.toString(36)}-${stat.birthtimeNs.toString(36)}`,
    gitDir: raw.gitDir,
    path: path ?? Buffer.alloc(0),
    ...(branch === undefined ? {} : { branch }),
    isMain: raw.isMain,
    isDefault: false,
    ...(locked ? { locked: locked.toString().trim() } : {}),
    state: stateOf(path, locked !== undefined),
  };
}

/** An absent `gitdir` is an add that is half done, a locked one may be on a disk that is away. */
function stateOf(path: RawPath | undefined, locked: boolean): Worktree["state"] {
  if (!path) return "unknown";
  if (lstatIfThere(joinRaw(path, ".git"))) return "present";
  if (locked) return "unknown";
  return "gone";
}

function linkedPath(gitDir: Buffer): Buffer | undefined {
  const gitdir = readIfThere(joinRaw(gitDir, "gitdir"));
  if (!gitdir || gitdir.length === 0) return undefined;
  const dotGit = gitdir.at(-1) === 0x0a ? gitdir.subarray(0, -1) : gitdir;
  const top = dotGit.subarray(0, dotGit.lastIndexOf("/"));
  return top.at(0) === 0x2f ? top : resolveRaw(gitDir, top);
}

/** extensions.relativeWorktrees: `gitdir` is relative to the administrative directory. */
function resolveRaw(base: Buffer, relative: Buffer): Buffer {
  const parts = base.toString("latin1").split("/");
  for (const part of relative.toString("latin1").split("/")) {
    if (part === "..") parts.pop();
    else if (part !== "." && part !== "") parts.push(part);
  }
  return Buffer.from(parts.join("/"), "latin1");
}

function mainPath(commonDir: string): Buffer {
  const configured = configValue(commonDir, "worktree");
  if (configured) return resolveRaw(Buffer.from(commonDir), Buffer.from(configured));
  return Buffer.from(commonDir.slice(0, commonDir.lastIndexOf("/")) || "/");
}

function isBareRepository(commonDir: string): boolean {
  return configValue(commonDir, "bare") === "true";
}

/** A `core` value of the repository's own configuration file; enough for two plain keys. */
function configValue(commonDir: string, key: string): string | undefined {
  // With extensions.worktreeConfig the main worktree's own keys lie in config.worktree.
  const text = ["config", "config.worktree"]
    .map((file) => readIfThere(`${commonDir}/${file}`)?.toString() ?? "")
    .join("\n");
  const core = text.split(/^\s*\[/m).filter((section) => /^core\]/i.test(section));
  const line = new RegExp(`^\\s*${key}\\s*=\\s*(.*?)\\s*$`, "im");
  return core.map((section) => line.exec(section)?.[1]).findLast((value) => value !== undefined);
}

function branchOf(gitDir: Buffer): string | undefined {
  const head = readIfThere(joinRaw(gitDir, "HEAD"))?.toString().trimEnd();
  return head?.startsWith("ref: refs/heads/") ? head.slice("ref: refs/heads/".length) : undefined;
}

/**
 * The configured one; or that on the default branch; or the main worktree. Where
 * a bare repository's `main` has switched away for a while, the one named so.
 */
function chooseDefault(
  worktrees: readonly Worktree[],
  commonDir: string,
  configured: string | undefined,
): Worktree | undefined {
  const present = worktrees.filter((w) => w.state !== "gone");
  const remote = readIfThere(`${commonDir}/refs/remotes/origin/HEAD`)?.toString().trim();
  const remoteHead = remote?.replace(/^ref: refs\/remotes\/origin\//, "");
  return (
    present.find((w) => w.slug === configured || (configured && w.name === configured)) ??
    present.find((w) => w.branch === "main") ??
    present.find((w) => w.branch === "master") ??
    present.find((w) => remoteHead !== undefined && w.branch === remoteHead) ??
    present.find((w) => w.isMain) ??
    present.find((w) => w.name === "main" || w.name === "master")
  );
}

/** The real path of a worktree's top, for comparing with a working directory. */
export function realTop(worktree: Worktree): Buffer | undefined {
  try {
    return fs.realpathSync(toBuffer(worktree.path), { encoding: "buffer" });
  } catch {
    return undefined;
  }
}
