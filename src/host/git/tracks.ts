import { execa } from "execa";
import type { RawPath } from "../../model/worktree.ts";
import { toBuffer } from "../files.ts";
import { gitEnvironment } from "./environment.ts";

/**
 * Whether HEAD or the index has something of this name at the top of a worktree. Where
 * git cannot say, the answer is yes, since that is the one that touches nothing.
 */
export async function tracks(directory: RawPath | string, name: string): Promise<boolean> {
  const cwd = toBuffer(directory).toString();
  if (!Buffer.from(cwd).equals(toBuffer(directory))) return true;
  // An unborn branch has no HEAD; its index still counts.
  for (const options of [["--with-tree=HEAD"], []]) {
    const { exitCode, stdout } = await execa("git", ["ls-files", "-z", ...options, "--", name], {
      cwd,
      env: gitEnvironment(),
      extendEnv: false,
      reject: false,
      stdin: "ignore",
    });
    if (exitCode === 0) return stdout !== "";
  }
  return true;
}
