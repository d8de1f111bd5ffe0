import fs from "node:fs";
import { dirname, resolve } from "node:path";
import { listIfThere, lstatIfThere, readIfThere, statIfThere } from "../host/fs/files.ts";
import { assertOwned } from "../host/project/directories.ts";
import { type Layout, layoutOf } from "../model/layout.ts";
import { coreValue } from "./git-config.ts";

export interface Project {
  readonly layout: Layout;
  /** git's common directory: `.git`, `.bare`, or where a `.git` file points. */
  readonly commonDir: string;
}

/**
 * Walks up from a directory to the first `.ikigai/`, as git does for `.git/`.
 *
 * @throws SkeletonError when it belongs to another account, whose programs would be run
 */
export function findProject(from: string): Project | undefined {
  for (let directory = resolve(from); ; directory = dirname(directory)) {
    const found = projectAt(directory) ?? projectOfRepository(directory);
    if (found) return found;
    if (directory === dirname(directory)) return undefined;
  }
}

function projectAt(directory: string): Project | undefined {
  if (!statIfThere(`${directory}/.ikigai`)?.isDirectory()) return undefined;
  const root = dirname(fs.realpathSync(`${directory}/.ikigai`));
  const commonDir = commonDirOf(root);
  // A branch may contain a `.ikigai` of its own, or a link to one; only git's files tell which is the
  // project's.
  if (!commonDir || realOf(rootOf(commonDir)) !== root) return undefined;
  const linked = realOf(directory) !== root;
  if (linked && commonDirOf(directory) !== commonDir) return undefined;
  const layout = layoutOf(root);
  assertOwned(layout, commonDir);
  return { layout, commonDir };
}

/** Finds the project of a worktree without a link to `.ikigai`, through git's common directory. */
function projectOfRepository(directory: string): Project | undefined {
  if (!lstatIfThere(`${directory}/.git`)) return undefined;
  const commonDir = commonDirOf(directory);
  const root = commonDir ? rootOf(commonDir) : undefined;
  return root && statIfThere(`${root}/.ikigai`)?.isDirectory() ? projectAt(root) : undefined;
}

/**
 * Finds the common directory of the repository at a directory (gitrepository-layout(5)): `.git/`, `.bare/`
 * or a single `*.git/`, or where a `.git` file and its `commondir` point.
 */
export function commonDirOf(directory: string): string | undefined {
  const dotGit = `${directory}/.git`;
  const stat = statIfThere(dotGit);
  if (stat?.isDirectory()) return fs.realpathSync(dotGit);
  if (stat?.isFile()) {
    const gitDir = pointedAt(directory, readIfThere(dotGit), "gitdir: ");
    if (!gitDir || !statIfThere(gitDir)) return undefined;
    const common = readIfThere(`${gitDir}/commondir`);
    return fs.realpathSync(common ? (pointedAt(gitDir, common, "") ?? gitDir) : gitDir);
  }
  // Within a worktree it is content: a branch can contain whole bare repositories.
  if (isWithinWorktree(directory)) return undefined;
  if (isBare(`${directory}/.bare`)) return fs.realpathSync(`${directory}/.bare`);
  const bare = listIfThere(directory)
    .map((name) => `${directory}/${name}`)
    .filter((path) => path.endsWith(".git") && isBare(path));
  return bare.length === 1 && bare[0] ? fs.realpathSync(bare[0]) : undefined;
}

/** Returns the directory that contains `.ikigai/` for a common directory: the parent of `.git`. */
export function rootOf(commonDir: string): string {
  // A submodule's repository is in its parent's .git/modules; core.worktree names its top.
  const worktree = coreValue(commonDir, "worktree");
  return worktree ? resolve(commonDir, worktree) : dirname(commonDir);
}

function realOf(path: string): string | undefined {
  return statIfThere(path) && fs.realpathSync(path);
}

function pointedAt(base: string, content: Buffer | undefined, prefix: string): string | undefined {
  const text = content?.toString().replace(/\n+$/, "");
  return text?.startsWith(prefix) ? resolve(base, text.slice(prefix.length)) : undefined;
}

function isWithinWorktree(directory: string): boolean {
  for (let above = dirname(directory); ; above = dirname(above)) {
    if (lstatIfThere(`${above}/.git`)) return true;
    if (above === dirname(above)) return false;
  }
}

function isBare(path: string): boolean {
  return !!statIfThere(`${path}/HEAD`)?.isFile() && !!statIfThere(`${path}/objects`)?.isDirectory();
}
