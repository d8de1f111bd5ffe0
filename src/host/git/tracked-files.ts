import { execa } from "execa";
import type { RawPath } from "../../model/worktree.ts";
import { toBuffer } from "../fs/files.ts";
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

/** What `git ls-files -z` prints with these options; undefined where git cannot say. */
export async function listFiles(
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
