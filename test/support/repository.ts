import { cp, mkdir, readdir, readFile, rm, writeFile } from "node:fs/promises";
import { dirname, join } from "node:path";
import { fileURLToPath } from "node:url";
import { execa } from "execa";

/** The repository layouts that ikigai works in. */
export type RepositoryLayout = "bare" | "dot-bare" | "clone";

export interface RepositoryOptions {
  readonly layout: RepositoryLayout;
  /** A directory below fixtures/; `notes` is fixtures/app. */
  readonly app: string;
  /** Files that replace or extend the app's, by path in a worktree. */
  readonly files: Readonly<Record<string, string>>;
  /** Branches beside `main`, each with a commit that says "Hello from BRANCH". */
  readonly branches: readonly string[];
  readonly env: NodeJS.ProcessEnv;
}

const fixtures = fileURLToPath(new URL("../../fixtures/", import.meta.url));
const greeting = "Hello from main";

/**
 * Makes a repository at `root` whose first branch, checked out, is `main`: in `root` itself for a
 * clone, in `root/main` otherwise.
 */
export async function makeRepository(root: string, options: RepositoryOptions): Promise<void> {
  const { layout, env } = options;
  const seed = layout === "clone" ? root : join(root, "seed");
  await fill(seed, options);
  const git = (cwd: string, ...args: string[]) =>
    execa("git", args, { cwd, env, extendEnv: false });
  await git(seed, "init", "--quiet", "--initial-branch=main");
  await git(seed, "add", "--all");
  await git(seed, "commit", "--quiet", "--message", "The application");
  for (const branch of options.branches) await branchOff(seed, branch, git);
  if (layout === "clone") return;
  const bare = layout === "bare" ? ".git" : ".bare";
  await git(root, "clone", "--quiet", "--bare", "seed", bare);
  await git(root, "--git-dir", bare, "remote", "remove", "origin");
  if (layout === "dot-bare") await writeFile(join(root, ".git"), "gitdir: ./.bare\n");
  await rm(seed, { recursive: true });
  await git(root, "worktree", "add", "--quiet", "main");
}

async function fill(seed: string, { app, files }: RepositoryOptions): Promise<void> {
  await mkdir(seed, { recursive: true });
  await cp(join(fixtures, app === "notes" ? "app" : app), seed, { recursive: true });
  for (const [name, text] of Object.entries(files)) {
    await mkdir(dirname(join(seed, name)), { recursive: true });
    await writeFile(join(seed, name), text);
  }
}

/** Makes a branch whose code answers differently from main's. */
async function branchOff(
  seed: string,
  branch: string,
  git: (cwd: string, ...args: string[]) => Promise<unknown>,
): Promise<void> {
  await git(seed, "switch", "--quiet", "--create", branch, "main");
  for (const entry of await readdir(seed, { recursive: true, withFileTypes: true })) {
    const file = join(entry.parentPath, entry.name);
    if (!entry.isFile() || file.startsWith(join(seed, ".git"))) continue;
    const text = await readFile(file, "utf8");
    if (text.includes(greeting)) {
      await writeFile(file, text.replaceAll(greeting, `Hello from ${branch}`));
    }
  }
  await git(seed, "commit", "--quiet", "--all", "--allow-empty", "--message", `Be ${branch}`);
  await git(seed, "switch", "--quiet", "main");
}
