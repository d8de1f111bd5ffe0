import { execa } from "execa";
import type { RawPath } from "../../model/worktree.ts";
import { toBuffer } from "../fs/files.ts";
import { gitEnvironment } from "./environment.ts";

/**
 * Tells whether HEAD or the index has an entry of this name at a worktree's top. Answers true if git fails,
 * because then nothing is touched.
 */
export async function tracks(directory: RawPath | string, name: string): Promise<boolean> {
  // An unborn branch has no HEAD; its index still counts.
  const asHead = await listFiles(directory, ["--with-tree=HEAD", "--", name]);
  const listed = asHead ?? (await listFiles(directory, ["--", name]));
  return listed !== "";
}

/** Runs `git ls-files -z` with these options; returns undefined if git fails or the path is not UTF-8. */
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
