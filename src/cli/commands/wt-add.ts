import { mkdirSync, realpathSync } from "node:fs";
import { basename, dirname, join, resolve } from "node:path";
import { execa } from "execa";
import { openProject } from "../../discovery/open-project.ts";
import { findProject, type Project } from "../../discovery/project.ts";
import { lstatIfThere, toBuffer } from "../../host/fs/files.ts";
import { git, gitAsTyped, gitSays } from "../../host/git/git.ts";
import { removeIfEmpty } from "../../host/git/info-exclude.ts";
import { printable, printableJson } from "../../model/printable.ts";
import type { WorktreeReport } from "../../model/reports.ts";
import { UserError } from "../../model/user-error.ts";
import { askDaemon, DaemonAway } from "../client/daemon-client.ts";
import { type Run, requireProject, textOption } from "../context.ts";
import { withBranchProgress } from "../output/branch-progress.ts";
import { followed } from "./wt-remove.ts";

/** Runs plain `git worktree add` for a branch, in the directory of this project's worktrees. */
export const wtAdd: Run = async ({ cwd, out, say }, [name = ""], options) => {
  const project = requireProject(cwd);
  const from = textOption(options, "from");
  const at = await workingPlace(project, cwd);
  if (name.startsWith("-") || !(await gitSays(at, "check-ref-format", "--branch", name))) {
    throw new UserError(`"${printable(name)}" is not a valid branch name.`);
  }
  const path = await placeFor(project, name);
  if (lstatIfThere(path)) {
    throw new UserError(`${path} already exists.`, `git worktree add PATH ${name}`);
  }
  const add = await addArguments(at, name, path, from);
  const above = dirname(path);
  const made = mkdirSync(above, { recursive: true }) !== undefined;
  const revoke = await intend(project, path, {
    mode: textOption(options, "db"),
    // A new branch starts at this HEAD, and its data from the schema of the HEAD's worktree.
    from: add.at(-1) === path ? at : undefined,
  });
  try {
    await gitAsTyped(at, ...add);
  } catch (error) {
    await revoke();
    if (made) removeIfEmpty(Buffer.from(above));
    throw error;
  }
  const report = await withBranchProgress(project.layout, new URLSearchParams({ cwd: path }), () =>
    reportOf(project, path),
  );
  if (!report) {
    say(`  created ${printable(path)}; ikigai is not running`);
    say("  next: ikigai start");
    return 0;
  }
  if (options.json) out(printableJson(report));
  else {
    say(`  ${report.slug} on ${printable(report.branch ?? "no branch")} in ${printable(path)}`);
    for (const problem of report.problems) say(`  ${printable(problem)}`);
    out(`${report.url}\n`);
  }
  if (options.open) await open(report.url);
  return 0;
};

/** Returns the directory in which to run git: a new branch starts at the HEAD of the current worktree. */
async function workingPlace({ commonDir }: Project, cwd: string): Promise<string> {
  const answer = await git(cwd, "rev-parse", "--path-format=absolute", "--git-common-dir").catch(
    () => "",
  );
  // The directory may be in another repository inside a worktree, or in none (the root of a bare layout).
  return answer.replace(/\n$/, "") === commonDir ? cwd : commonDir;
}

/**
 * Chooses the path of a new worktree: in `worktrees.directory` if set; else, for a bare repository, beside
 * the other worktrees; else beside the clone, prefixed with its name. Slashes of the branch become
 * dashes, because nested worktrees would show in each other's `git status`.
 */
async function placeFor(project: Project, name: string): Promise<string> {
  const directory = name.replaceAll("/", "-");
  const { layout, settings, worktrees } = await openProject(project);
  const chosen = settings.project.worktrees.directory;
  if (chosen !== undefined) return resolve(layout.root, chosen, directory);
  const main = worktrees.find((w) => w.isMain);
  if (!main) return join(layout.root, directory);
  const top = toBuffer(main.path).toString();
  return join(dirname(top), `${basename(top)}-${directory}`);
}

/**
 * Builds git's arguments by git's own rules: an existing branch, else the branch of the one remote that has
 * it, else a new one.
 */
async function addArguments(
  cwd: string,
  name: string,
  path: string,
  from: string | undefined,
): Promise<string[]> {
  const add = ["worktree", "add"];
  if (from !== undefined) {
    if (from.startsWith("-")) throw new UserError(`Unknown commit or branch "${printable(from)}".`);
    return [...add, "-b", name, "--", path, from];
  }
  if (await gitSays(cwd, "show-ref", "--verify", "--quiet", `refs/heads/${name}`)) {
    return [...add, "--", path, name];
  }
  const remotes = (await git(cwd, "remote")).split("\n").filter(Boolean);
  const having = await Promise.all(
    remotes.map(async (remote) =>
      (await gitSays(cwd, "show-ref", "--verify", "--quiet", `refs/remotes/${remote}/${name}`))
        ? [remote]
        : [],
    ),
  );
  const found = having.flat();
  if (found.length > 1) {
    throw new UserError(
      `The remotes ${found.join(" and ")} both have a branch ${printable(name)}.`,
      `ikigai wt add ${name} --from ${found[0]}/${name}`,
    );
  }
  const [remote] = found;
  return remote === undefined
    ? [...add, "-b", name, "--", path]
    : [...add, "--track", "-b", name, "--", path, `${remote}/${name}`];
}

/** Tells the daemon how the new worktree's schema starts; returns a function that revokes that. */
async function intend(
  { layout }: Project,
  path: string,
  how: { readonly mode: string | undefined; readonly from: string | undefined },
): Promise<() => Promise<void>> {
  const place = join(realpathSync(dirname(path)), basename(path));
  const say = async (more: Readonly<Record<string, string | undefined>>) => {
    const query = new URLSearchParams({ path: place });
    for (const [key, value] of Object.entries(more)) if (value !== undefined) query.set(key, value);
    await askDaemon(layout, "POST", `/v1/intend?${query}`);
  };
  try {
    await say(how);
  } catch (error) {
    if (!(error instanceof DaemonAway) || how.mode !== undefined) throw error;
  }
  return () => say({}).catch(() => undefined);
}

/** Waits for the daemon and reads the worktree's report; undefined while the daemon is not running. */
async function reportOf(project: Project, path: string): Promise<WorktreeReport | undefined> {
  const { layout } = findProject(path) ?? project;
  try {
    await followed(layout);
    const query = `cwd=${encodeURIComponent(path)}`;
    const answer = await askDaemon<{ worktree: WorktreeReport }>(
      layout,
      "GET",
      `/v1/worktree?${query}`,
    );
    return answer.worktree;
  } catch (error) {
    if (error instanceof DaemonAway) return undefined;
    throw error;
  }
}

async function open(url: string): Promise<void> {
  const program = process.platform === "darwin" ? "open" : "xdg-open";
  const { exitCode } = await execa(program, [url], { reject: false, stdio: "ignore" });
  if (exitCode !== 0) throw new UserError(`${program} could not open ${url}.`);
}
