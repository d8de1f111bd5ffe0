import type { WorktreeReport } from "../../src/model/reports.ts";
import type { Answer } from "./http.ts";
import type { TestProject } from "./project.ts";

type Asked = Pick<TestProject, "root" | "http" | "ikigai">;

/** One call of the daemon. Costs no process, as what is asked again and again must not. */
function askDaemon(project: Asked, path: string, method = "GET"): Promise<Answer> {
  return project.http(path, { socketPath: `${project.root}/.ikigai/daemon.sock`, method });
}

/** The pid of the daemon that answers now. */
export async function daemonPid(project: Asked): Promise<number> {
  return (await askDaemon(project, "/v1/health")).json<{ pid: number }>().pid;
}

/** Returns what the daemon reports of every worktree. Throws while none answers. */
export async function liveReports(project: Asked): Promise<readonly WorktreeReport[]> {
  const answer = await askDaemon(project, "/v1/worktrees");
  return answer.json<{ worktrees: WorktreeReport[] }>().worktrees;
}

/** Returns the same, or what the command line says while no daemon answers. */
export async function reports(project: Asked): Promise<readonly WorktreeReport[]> {
  try {
    return await liveReports(project);
  } catch {
    const { stdout, stderr } = await project.ikigai("wt", "list", "--json");
    if (stdout === "") throw new Error(stderr);
    return (JSON.parse(stdout) as { worktrees: WorktreeReport[] }).worktrees;
  }
}
