import { execa } from "execa";
import { joinRaw, statIfThere, toBuffer } from "../host/fs/files.ts";
import { gitEnvironment } from "../host/git/environment.ts";
import type { Layout } from "../model/layout.ts";
import type { Worktree } from "../model/worktree.ts";

const known = new Map<string, { readonly stamp: string; readonly files: readonly string[] }>();

/**
 * Lists the files that a branch tracks below `.ikigai` of an ordinary clone. git treats ignored files as
 * expendable, so a checkout silently overwrites ikigai's with the branch's (gitignore(5), git-checkout(1)
 * `--overwrite-ignore`). In other layouts `.ikigai` is in no worktree.
 */
export async function trackedIkigaiFiles(
  layout: Layout,
  worktree: Pick<Worktree, "isMain" | "path" | "gitDir">,
): Promise<readonly string[]> {
  if (!holdsProject(layout, worktree)) return [];
  const { root } = layout;
  const index = statIfThere(joinRaw(worktree.gitDir, "index"));
  const stamp = index ? `${index.ino}:${index.mtimeNs}:${index.size}` : "";
  const before = known.get(root);
  if (before?.stamp === stamp) return before.files;
  const files = await trackedFiles(root);
  known.set(root, { stamp, files });
  return files;
}

/** Tells whether `.ikigai` is inside this worktree, where git may write and delete files. */
export function holdsProject(
  { root }: Layout,
  { isMain, path }: Pick<Worktree, "isMain" | "path">,
): boolean {
  return isMain && toBuffer(path).equals(Buffer.from(root));
}

async function trackedFiles(root: string): Promise<readonly string[]> {
  // File systems of macOS and Windows treat .IKIGAI as the same name.
  const place = process.platform === "linux" ? ".ikigai" : ":(icase).ikigai";
  for (const options of [["--with-tree=HEAD"], []]) {
    const { exitCode, stdout } = await execa("git", ["ls-files", "-z", ...options, "--", place], {
      cwd: root,
      env: gitEnvironment(),
      extendEnv: false,
      reject: false,
      stdin: "ignore",
    });
    // An unborn branch has no HEAD.
    if (exitCode === 0) return [...new Set(stdout.split("\0").filter(Boolean))];
  }
  return [];
}

/** Explains the tracked files, and what to do about them. */
export function trackedFilesProblem(files: readonly string[]): { why: string; next: string } {
  const some = files.slice(0, 3).join(", ");
  const more = files.length > 3 ? ` and ${files.length - 3} more` : "";
  return {
    why: `the branch tracks ${some}${more}, with which git overwrites files that ikigai itself runs; nothing of this worktree runs until they are removed`,
    next: "git rm -r -q --cached .ikigai, then switch to another branch or commit",
  };
}
