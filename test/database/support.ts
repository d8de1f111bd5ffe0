import { join, relative } from "node:path";
import type { WorktreeReport } from "../../src/model/reports.ts";
import { liveReports } from "../support/daemon.ts";
import { makeProject, type ProjectOptions, type TestProject } from "../support/project.ts";
import { waitFor } from "../support/wait.ts";

/** Makes a project and runs `ikigai start`. */
export async function startProject(options: ProjectOptions = {}): Promise<TestProject> {
  const project = await makeProject(options);
  const { exitCode, stderr } = await project.ikigai("start");
  if (exitCode === 0) return project;
  await project.dispose();
  throw new Error(`ikigai start: ${stderr}`);
}

/** Runs psql in a worktree, as its role; returns the output. Throws when it fails. */
export async function psql(project: TestProject, worktree: string, sql: string): Promise<string> {
  return answered(project, relative(project.root, project.worktree(worktree)), [], sql);
}

/** Runs psql at the project's root, as the owner. */
export function owner(project: TestProject, sql: string): Promise<string> {
  return answered(project, ".", [], sql);
}

async function answered(
  project: TestProject,
  cwd: string,
  options: string[],
  sql: string,
): Promise<string> {
  const args = ["-XAtq", "-v", "ON_ERROR_STOP=1", ...options, "-c", sql];
  const program = join(project.root, ".ikigai/bin/psql");
  const { exitCode, stdout, stderr } = await project.run(program, args, { cwd });
  if (exitCode !== 0) throw new Error(stderr);
  return stdout;
}

/** Adds a worktree with plain git and waits until it is ready. */
export async function add(project: TestProject, name: string, ...args: string[]): Promise<void> {
  const how = args.length > 0 ? args : ["-b", name, project.worktree(name), "main"];
  await project.git("main", "worktree", "add", "--quiet", ...how);
  const { exitCode, stderr } = await project.ikigai("wt", "wait", name);
  if (exitCode !== 0) throw new Error(stderr);
}

export async function show(project: TestProject, name: string): Promise<WorktreeReport> {
  const found = (await liveReports(project)).find(({ slug }) => slug === name);
  if (!found) throw new Error(`There is no worktree ${name}.`);
  return found;
}

/** Waits until a worktree is in a state, and returns its report. */
export function until(
  project: TestProject,
  name: string,
  state: WorktreeReport["state"],
): Promise<WorktreeReport> {
  return waitFor(
    async () => {
      const report = await show(project, name);
      if (report.state !== state) throw new Error(JSON.stringify(report));
      return report;
    },
    { deadline: 45_000, what: `${name} is ${state}` },
  );
}

/** Lists the tables that a worktree's role sees without a schema's name. */
export function tables(project: TestProject, worktree: string): Promise<string> {
  return psql(
    project,
    worktree,
    "SELECT string_agg(tablename, ' ' ORDER BY tablename) FROM pg_tables WHERE schemaname = current_schema()",
  );
}
