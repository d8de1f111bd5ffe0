import { existsSync, mkdirSync, readdirSync, renameSync, rmSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import type { TestProject } from "../support/project.ts";

/** What a user, an editor or an agent may do with one of a few worktrees. */
export const OPERATIONS = [
  "add",
  "add detached",
  "add without checkout",
  "add without hook",
  "remove",
  "rm -rf",
  "mv and repair",
  "move",
  "lock",
  "unlock",
  "prune",
  "switch",
  "reset --hard",
  "add a service",
  "take a service away",
  "commit",
  "rebase",
  "rename the branch",
] as const;
export type OperationName = (typeof OPERATIONS)[number];

export interface Operation {
  readonly name: OperationName;
  /** The worktree's number. */
  readonly at: number;
}

/** Runs one operation. What git refuses (no such worktree, a locked one) is skipped. */
export async function perform(project: TestProject, { name, at }: Operation): Promise<void> {
  const tree = `w${at}`;
  const top = join(project.root, tree);
  const git = (...args: string[]) => project.run("git", args);
  const inside = (...args: string[]) =>
    existsSync(join(top, ".git")) ? project.run("git", args, { cwd: tree }) : undefined;
  const add = (...options: string[]) =>
    git("worktree", "add", "--quiet", "-f", ...options, tree, `b${at}`);
  switch (name) {
    case "add":
      return void (await add());
    case "add detached":
      return void (await add("--detach"));
    case "add without checkout":
      return void (await add("--no-checkout"));
    case "add without hook":
      return void (await git(
        "-c",
        "core.hooksPath=/dev/null",
        "worktree",
        "add",
        "-q",
        tree,
        `b${at}`,
      ));
    case "remove":
      return void (await git("worktree", "remove", "--force", tree));
    case "rm -rf":
      return remove(top);
    case "mv and repair": {
      if (!existsSync(top)) return;
      renameSync(top, `${top}.aside`);
      await git("worktree", "repair", `${tree}.aside`);
      renameSync(`${top}.aside`, top);
      return void (await git("worktree", "repair", tree));
    }
    case "move":
      await git("worktree", "move", tree, `${tree}.moved`);
      return void (await git("worktree", "move", `${tree}.moved`, tree));
    case "lock":
      return void (await git("worktree", "lock", tree));
    case "unlock":
      return void (await git("worktree", "unlock", tree));
    case "prune":
      return void (await git("worktree", "prune"));
    case "switch":
      return void (await inside("switch", "-q", "-C", `b${at}`, "--discard-changes", "main"));
    case "reset --hard":
      return void (await inside("reset", "-q", "--hard", "main"));
    case "add a service":
      if (!existsSync(join(top, ".git"))) return;
      mkdirSync(join(top, "admin/backend"), { recursive: true });
      writeFileSync(join(top, "admin/backend/main.ts"), "Deno.serve(() => new Response());\n");
      return;
    case "take a service away":
      return rmSync(join(top, "admin"), { recursive: true, force: true });
    case "commit":
      await inside("add", "--all");
      return void (await inside("commit", "-q", "--allow-empty", "-m", "A step"));
    case "rebase":
      return void (await inside("rebase", "-q", "main"));
    case "rename the branch":
      await inside("branch", "-M", `c${at}`);
      return void (await inside("branch", "-M", `b${at}`));
  }
}

/** A parallel `git worktree repair` restores every `.git` that is missing then (git-worktree(1)). */
function remove(top: string): void {
  try {
    rmSync(top, { recursive: true, force: true });
  } catch (error) {
    if (readdirSync(top).join() !== ".git") throw error;
    remove(top);
  }
}

/**
 * Unlocks worktrees that are locked while their directory is missing: those are held for good,
 * as by git itself, and could not be compared.
 */
export async function letGo(project: TestProject, count: number): Promise<void> {
  for (let at = 0; at < count; at++) await project.run("git", ["worktree", "unlock", `w${at}`]);
  await project.run("git", ["worktree", "prune"]);
}
