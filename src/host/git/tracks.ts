import { execa } from "execa";
import type { RawPath } from "../../model/worktree.ts";
import { lstatIfThere, toBuffer } from "../files.ts";
import { gitEnvironment } from "./environment.ts";

/**
 * Whether HEAD or the index has something of this name at the top of a worktree. Where
 * git cannot say, the answer is yes, since that is the one that touches nothing.
 */
export async function tracks(directory: RawPath | string, name: string): Promise<boolean> {
  // An unborn branch has no HEAD; its index still counts.
  const asHead = await listFiles(directory, ["--with-tree=HEAD", "--", name]);
  const listed = asHead ?? (await listFiles(directory, ["--", name]));
  return listed !== "";
}

/** A removal changes the top at least so often, but for one with a directory that takes longer. */
const QUIET_MS = 10_000;

/**
 * Whether git, or somebody, seems to be deleting a worktree: tracked files are missing, and its top
 * has changed a moment ago. It cannot be removed by who finds a new file in it at the end.
 */
export async function isBeingRemoved(directory: RawPath | string): Promise<boolean> {
  const changed = Number(lstatIfThere(directory)?.mtimeMs ?? 0);
  if (Math.abs(Date.now() - changed) > QUIET_MS) return false;
  return (await listFiles(directory, ["--deleted"])) !== "";
}

/** Undefined where git cannot say. */
async function listFiles(
  directory: RawPath | string,
  options: readonly string[],
): Promise<string | undefined> {
  const cwd = toBuffer(directory).toString();
  if (!Buffer.from(cwd).equals(toBuffer(directory))) return undefined;
  const { exitCode, stdout } = await execa("git", ["ls-files", "-z", ...options], {
    cwd,
    env: gitEnvironment(),
    extendEnv: false,
    reject: false,
    stdin: "ignore",
  });
  return exitCode === 0 ? stdout : undefined;
}
