import fs from "node:fs";
import { networkInterfaces } from "node:os";
import { type OpenProject, openProject } from "../../discovery/open-project.ts";
import { commonDirOf, type Project, rootOf } from "../../discovery/project.ts";
import {
  holdsProject,
  trackedFilesProblem,
  trackedIkigaiFiles,
} from "../../discovery/tracked-ikigai-files.ts";
import { unapprovedPrograms } from "../../discovery/trust.ts";
import { readWorktrees } from "../../discovery/worktrees.ts";
import { readIfThere, writeAtomically } from "../../host/fs/files.ts";
import { refuseReadOnly } from "../../host/fs/free-space.ts";
import { installHook } from "../../host/git/hook/installation.ts";
import { excludeFromStatus, KEPT_OUT } from "../../host/git/info-exclude.ts";
import { choosePostgresAccount } from "../../host/postgres/os-account.ts";
import { ownerDirectory, prepareOwner } from "../../host/postgres/owner.ts";
import { findPrograms, pathTo } from "../../host/programs/find.ts";
import { hasBaseline, writeBaseline } from "../../host/project/baseline.ts";
import {
  markInitialApproval,
  quarantineTracked,
  restoreControls,
} from "../../host/project/control-repair.ts";
import { installControls } from "../../host/project/controls.ts";
import { assertOwned, makeDirectories } from "../../host/project/directories.ts";
import { detectRelocation, recordLocation } from "../../host/project/location.ts";
import { packageFile } from "../../host/project/package-file.ts";
import { quarantineForeign } from "../../host/project/quarantine.ts";
import {
  type ShellSettings as ProgramSettings,
  renderShellSettings,
  writeShellSettings,
} from "../../host/project/shell-settings.ts";
import { ServiceDirectories } from "../../host/runit/service-directories.ts";
import {
  approve,
  beginInitialApproval,
  endInitialApproval,
  isInitialApprovalDone,
  projectIdentity,
} from "../../host/trust/approvals.ts";
import type { Configuration } from "../../model/configuration/configuration.ts";
import { problemLine } from "../../model/configuration/problems.ts";
import { type Layout, layoutOf } from "../../model/layout.ts";
import { nginxConf } from "../../model/nginx/conf.ts";
import { printable } from "../../model/printable.ts";
import { UserError } from "../../model/user-error.ts";
import type { Worktree } from "../../model/worktree.ts";
import { waitingIn } from "../commands/trust.ts";
import { relocateProject } from "./relocate-project.ts";
import { writeRootEnvironment } from "./root-environment.ts";

/** A project whose `.ikigai/` is complete and up to date. */
export interface PreparedProject extends Project {
  readonly configuration: Configuration;
  /** Whether there was an `.ikigai/` before. */
  readonly known: boolean;
}

/** Finds the repository that contains `cwd`, and the layout of its `.ikigai/`. */
function findRepository(cwd: string): Project {
  for (let directory = cwd; ; directory = directory.slice(0, directory.lastIndexOf("/")) || "/") {
    const commonDir = commonDirOf(directory);
    if (commonDir) return { layout: layoutOf(rootOf(commonDir)), commonDir };
    if (directory === "/") break;
  }
  throw new UserError(`${cwd} is not in a git repository.`, "git init, or cd into a repository");
}

/**
 * Creates or updates `.ikigai/`: directories, controls, settings, nginx.conf, the hook. Idempotent;
 * starts no process and changes no data.
 *
 * @throws UserError outside of a repository, or for an invalid or unapproved configuration
 */
export async function prepareProject(cwd: string): Promise<PreparedProject> {
  const project = findRepository(cwd);
  const { layout, commonDir } = project;
  assertOwned(layout, commonDir);
  refuseReadOnly(layout);
  const known = fs.existsSync(layout.ikigai);
  await relocateProject(project);
  const identity = projectIdentity(commonDir);
  await refusePlanted(layout, identity, readWorktrees(commonDir));
  await approveFirst(project);
  const opened = await openProject(project, { keeps: true });
  const { worktrees, defaultWorktree: chosen } = opened;
  const configuration = configurationOf(opened);
  const { http, postgres, programs: given, deno } = configuration;
  const programs = findPrograms({ ...given, postgres: postgres.bin });
  // Some distributions keep nginx or Postgres out of users' PATH, but started programs call them by name.
  const path = pathTo(programs, process.env.PATH ?? "/usr/bin:/bin");
  process.env.PATH = path;
  const account = await choosePostgresAccount(layout, {
    user: postgres.user,
    // Without a worktree around it `.ikigai` is in no working tree, so git never touches it.
    ...(worktrees.some((w) => holdsProject(layout, w)) ? { repository: commonDir } : {}),
  });
  makeDirectories(layout, account);
  fs.mkdirSync(`${layout.run}/services`, { recursive: true, mode: 0o700 });
  if (detectRelocation(layout).kind === "new") recordLocation(layout);
  const owner = ownerDirectory(identity);
  await prepareOwner(owner, postgres.password);
  const wanted: ProgramSettings = {
    ...programs,
    node: given.node ?? process.execPath,
    cli: packageFile("dist/cli.cjs"),
    daemon: packageFile("dist/daemon.js"),
    httpPort: http.port,
    postgresPort: postgres.port,
    postgresUser: account.user,
    postgresData: account.data,
    postgresOwner: owner,
    ownerOverTcp: postgres.ownerOverTcp,
    path,
    denoVersion: deno.version,
  };
  // Write the baseline first: the daemon treats files that differ from it as tampered with.
  const conf = nginxText(layout, configuration);
  writeBaseline(identity, { settings: renderShellSettings(wanted), nginxConf: conf });
  writeShellSettings(layout, wanted);
  // Before runsvdir scans: a checkout may have left service directories there.
  quarantineForeign(packageFile("controls"), layout);
  installControls(packageFile("controls"), layout);
  // Fill the warm pool now: directories present at runsvdir's first scan are supervised at once.
  new ServiceDirectories(layout).replenish();
  if (readIfThere(layout.nginxConf)?.toString() !== conf) writeAtomically(layout.nginxConf, conf);
  if (chosen && !fs.existsSync(approvedMark(layout))) {
    endInitialApproval(identity);
    markInitialApproval(layout);
  }
  excludeFromStatus(commonDir, KEPT_OUT);
  await installHook({ commonDir, worktrees });
  await writeRootEnvironment(layout, configuration, worktrees, `${owner}/pgpass`);
  return { ...project, configuration, known };
}

/** Refuses an `.ikigai` whose files a branch tracks: start would run what the branch put there. */
async function refusePlanted(
  layout: Layout,
  identity: string,
  worktrees: readonly Worktree[],
): Promise<void> {
  for (const worktree of worktrees) {
    const files = await trackedIkigaiFiles(layout, worktree);
    if (files.length === 0) continue;
    restoreControls(layout, identity);
    quarantineTracked(layout, files);
    const { why, next } = trackedFilesProblem(files);
    throw new UserError(`${layout.ikigai} cannot be used: ${why}.`, next);
  }
}

function configurationOf({ commonDir, settings, defaultWorktree }: OpenProject): Configuration {
  if (settings.problems.length > 0) {
    const lines = settings.problems.map((problem) => `  ${problemLine(problem)}`);
    throw new UserError(
      `The configuration is not valid:\n${lines.join("\n")}`,
      `edit ${settings.problems[0]?.file}, then try again`,
    );
  }
  const strange = unapprovedPrograms(projectIdentity(commonDir), settings);
  if (strange.length > 0) {
    const list = strange.map(({ what, text }) => `  ${what} ${printable(text ?? "")}\n`).join("");
    throw new UserError(
      `The configuration names programs that are not approved, so they are not run:\n${list.trimEnd()}`,
      `ikigai trust ${defaultWorktree?.slug ?? ""}`.trimEnd(),
    );
  }
  return settings.project;
}

/**
 * Approves, when a project is first set up, everything in the default worktree and the configuration
 * beside it: that is the user's own. Every later change has to be reviewed.
 */
async function approveFirst(project: Project): Promise<void> {
  if (fs.existsSync(approvedMark(project.layout))) return;
  const identity = projectIdentity(project.commonDir);
  // `.ikigai` can be deleted, also by git, so the record that this happened before is kept elsewhere.
  if (isInitialApprovalDone(identity, hasBaseline(identity))) return;
  beginInitialApproval(identity);
  // Repeat: the result of a configuration program, perhaps another default worktree, is known only once it is
  // approved.
  for (let round = 0; round < 3; round += 1) {
    const opened = await openProject(project);
    const { defaultWorktree } = opened;
    if (defaultWorktree) approve(identity, await waitingIn(opened, defaultWorktree));
  }
}

function approvedMark({ scripts }: Layout): string {
  return `${scripts}/approved`;
}

function nginxText(layout: Layout, { http }: Configuration): string {
  const ipv6 = Object.values(networkInterfaces()).some((list) =>
    list?.some((address) => address.address === "::1"),
  );
  return nginxConf({
    layout,
    httpPort: http.port,
    ipv6,
    hosts: http.hosts,
    ...(process.getuid?.() === 0 ? { user: "root" } : {}),
  });
}
