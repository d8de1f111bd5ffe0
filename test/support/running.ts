import type { WorktreeReport } from "../../src/model/reports.ts";
import { reports } from "./daemon.ts";
import { makeProject, type ProjectOptions, type TestProject } from "./project.ts";
import { waitFor } from "./wait.ts";

/** Makes a project and runs `ikigai init` and `ikigai start`. */
export async function startProject(options: ProjectOptions = {}): Promise<TestProject> {
  const project = await makeProject(options);
  try {
    await must(project, "init");
    await must(project, "start");
  } catch (error) {
    await project.dispose();
    throw error;
  }
  return project;
}

/** Runs the command line; returns its output, and throws on an exit code other than 0. */
export async function must(project: TestProject, ...args: string[]): Promise<string> {
  const { exitCode, stdout, stderr } = await project.ikigai(...args);
  if (exitCode !== 0) throw new Error(`ikigai ${args.join(" ")}: ${exitCode}\n${stdout}${stderr}`);
  return stdout;
}

/** Runs a command with `--json`; returns the report. */
export async function read<T>(project: TestProject, ...args: string[]): Promise<T> {
  return JSON.parse(await must(project, ...args, "--json")) as T;
}

/** What is reported of a worktree. */
export async function reportOf(
  project: TestProject,
  slug: string,
): Promise<WorktreeReport | undefined> {
  return (await reports(project)).find((worktree) => worktree.slug === slug);
}

/** Waits until a worktree's services are these, as `name state`. */
export function untilServices(
  project: TestProject,
  slug: string,
  wanted: readonly string[],
): Promise<unknown> {
  return waitFor(
    async () => {
      const services = (await reportOf(project, slug))?.services ?? [];
      const found = services.map(({ name, state }) => `${name} ${state}`).sort();
      if (found.join() === [...wanted].sort().join()) return true;
      throw new Error(found.join());
    },
    { what: `${slug} to have ${wanted.join()}` },
  );
}
