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

/** What is reported of every worktree: by the daemon, and by the command line while none answers. */
export async function reports(project: Asked): Promise<readonly WorktreeReport[]> {
  try {
    const answer = await askDaemon(project, "/v1/worktrees");
    return answer.json<{ worktrees: WorktreeReport[] }>().worktrees;
  } catch {
    const { stdout, stderr } = await project.ikigai("wt", "list", "--json");
    if (stdout === "") throw new Error(stderr);
    return (JSON.parse(stdout) as { worktrees: WorktreeReport[] }).worktrees;
  }
}
