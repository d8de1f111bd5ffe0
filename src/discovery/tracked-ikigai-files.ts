import { execa } from "execa";
import { joinRaw, statIfThere, toBuffer } from "../host/fs/files.ts";
import { gitEnvironment } from "../host/git/environment.ts";
import type { Layout } from "../model/layout.ts";
import type { Worktree } from "../model/worktree.ts";

const known = new Map<string, { readonly stamp: string; readonly files: readonly string[] }>();

/**
 * What a branch holds below `.ikigai` of an ordinary clone. git treats an ignored file as
 * expendable, so that a checkout puts the branch's own over ours without a word (gitignore(5),
 * git-checkout(1) `--overwrite-ignore`). Elsewhere `.ikigai` lies in no worktree.
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

/** Whether `.ikigai` lies in this very worktree, where git may put and delete files. */
export function holdsProject(
  { root }: Layout,
  { isMain, path }: Pick<Worktree, "isMain" | "path">,
): boolean {
  return isMain && toBuffer(path).equals(Buffer.from(root));
}

async function trackedFiles(root: string): Promise<readonly string[]> {
  // macOS and Windows take .IKIGAI for the same.
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

/** Says what happened and what to do. */
export function trackedFilesProblem(files: readonly string[]): { why: string; next: string } {
  const some = files.slice(0, 3).join(", ");
  const more = files.length > 3 ? ` and ${files.length - 3} more` : "";
  return {
    why: `the branch holds ${some}${more}, which git puts over what ikigai itself runs; nothing of this worktree runs until it is gone`,
    next: "git rm -r -q --cached .ikigai, then switch to another branch or commit",
  };
}
