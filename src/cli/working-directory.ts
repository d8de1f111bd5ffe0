import { dirname } from "node:path";
import { findProject } from "../discovery/project.ts";
import { readWorktrees } from "../discovery/worktrees.ts";
import { statIfThere, toBuffer } from "../host/fs/files.ts";
import { quoteShell } from "../model/envrc.ts";
import { UserError } from "../model/user-error.ts";

/**
 * Returns the current directory.
 *
 * @throws UserError when it was deleted after the shell entered it
 */
export function workingDirectory(environment: NodeJS.ProcessEnv = process.env): string {
  try {
    return process.cwd();
  } catch {
    const place = environment.PWD && remaining(environment.PWD);
    const next = place ? changeTo(homeOf(place)) : "cd";
    throw new UserError("This directory no longer exists.", next);
  }
}

/** Renders the shell command that changes to a directory. */
export function changeTo(path: string): string {
  return `cd ${/^[\w/.@%+=:,-]+$/.test(path) ? path : quoteShell(path)}`;
}

/** Returns where to go from a directory that was or will be deleted: the project's default worktree. */
export function homeOf(place: string): string {
  try {
    const project = findProject(place);
    if (!project) return place;
    const present = readWorktrees(project.commonDir).filter((w) => w.state === "present");
    const home = present.find((w) => w.isDefault) ?? present[0];
    return home ? toBuffer(home.path).toString() : project.layout.root;
  } catch {
    return place;
  }
}

/** Returns the nearest existing directory at or above a path. */
function remaining(path: string): string {
  let place = path;
  while (!statIfThere(place)?.isDirectory() && place !== dirname(place)) place = dirname(place);
  return place;
}
