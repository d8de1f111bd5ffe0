import fs from "node:fs";
import { createInterface } from "node:readline/promises";
import type { Project } from "../../discovery/project.ts";
import { readWorktrees } from "../../discovery/worktrees.ts";
import { removeEnvrc, unlinkEnvironment } from "../../host/direnv/envrc.ts";
import {
  joinRaw,
  listIfThere,
  lstatIfThere,
  readlinkIfThere,
  realPath,
} from "../../host/fs/files.ts";
import { removeHook } from "../../host/git/hook/installation.ts";
import { restoreExclude } from "../../host/git/info-exclude.ts";
import { forgetAlias } from "../../host/net/socket-path.ts";
import { removeData } from "../../host/postgres/data-directory.ts";
import { ownerDirectory, removeOwner } from "../../host/postgres/owner.ts";
import { removeLastSettings } from "../../host/project/last-settings.ts";
import { projectIdentity } from "../../host/trust/approvals.ts";
import type { Layout } from "../../model/layout.ts";
import { UserError } from "../../model/user-error.ts";
import type { Worktree } from "../../model/worktree.ts";
import { type Run, requireProject } from "../context.ts";
import { pc } from "../output/colours.ts";
import { withSpinner } from "../output/spinner.ts";
import { stopAll } from "./stop.ts";

/**
 * Removes everything ikigai added to the repository; deletes the data only with `--purge` and a confirmation.
 */
export const uninstall: Run = async ({ cwd, say }, _, options) => {
  const project = requireProject(cwd);
  const { layout } = project;
  const purge = options.purge === true;
  const data = realPath(layout.db);
  if (purge && options.yes !== true && !(await isMeant(layout))) {
    say("  nothing was changed");
    return 1;
  }
  // An earlier uninstall that kept the data has left nothing that could run.
  if (lstatIfThere(layout.bin)) await stopAll(layout);
  await withSpinner("remove ikigai from the repository", () => leaveRepository(project));
  await withSpinner(purge ? "delete .ikigai with all data" : "delete .ikigai", async () => {
    process.chdir(layout.root);
    forgetAlias(layout);
    removeOwner(ownerDirectory(projectIdentity(project.commonDir)));
    if (purge) removeEverything(layout, project.commonDir);
    else removeAllButData(layout);
  });
  if (!purge) {
    say(`  the data is kept in ${pc.bold(data)}; ikigai start uses it again`);
    say("  to delete it as well: ikigai uninstall --purge");
  }
  return 0;
};

/**
 * Asks for confirmation.
 *
 * @throws UserError without a terminal
 */
async function isMeant({ root }: Layout): Promise<boolean> {
  if (!process.stdin.isTTY) {
    throw new UserError(
      "This permanently deletes the data of every worktree, and there is no terminal to ask for confirmation.",
      "ikigai uninstall --purge --yes",
    );
  }
  const asking = createInterface({ input: process.stdin, output: process.stderr });
  try {
    const question = `Permanently delete the data of every worktree of ${root}? Type yes: `;
    return (await asking.question(question)).trim() === "yes";
  } finally {
    asking.close();
  }
}

async function leaveRepository({ layout, commonDir }: Project): Promise<void> {
  const worktrees = readWorktrees(commonDir);
  for (const worktree of worktrees) leaveWorktree(layout, worktree);
  removeEnvrc(layout.root);
  await removeHook({ commonDir, worktrees });
  restoreExclude(commonDir);
}

function leaveWorktree({ root, ikigai }: Layout, { path, gitDir }: Worktree): void {
  unlinkEnvironment(gitDir);
  if (path.length === 0) return;
  removeEnvrc(path);
  const link = joinRaw(path, ".ikigai");
  // In the main worktree of an ordinary clone it is the directory itself.
  if (!joinRaw(root, ".ikigai").equals(link) && readlinkIfThere(link)?.toString() === ikigai) {
    fs.rmSync(link, { force: true });
  }
}

/** Removes everything in `.ikigai` but the data, and keeps that out of `git status` in an ordinary clone. */
function removeAllButData({ ikigai }: Layout): void {
  fs.writeFileSync(`${ikigai}/.gitignore`, "*\n");
  for (const name of listIfThere(ikigai).map(String)) {
    if (name === "db" || name === ".gitignore") continue;
    fs.rmSync(`${ikigai}/${name}`, { recursive: true, force: true });
  }
}

function removeEverything(layout: Layout, commonDir: string): void {
  removeData(layout, commonDir);
  removeLastSettings(projectIdentity(commonDir));
  fs.rmSync(layout.ikigai, { recursive: true, force: true });
}
