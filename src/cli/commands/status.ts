import { execa } from "execa";
import { checkNginx, checkPostgres, type HealthCheck } from "../../host/net/server-health.ts";
import type { Layout } from "../../model/layout.ts";
import { printable, printableJson } from "../../model/printable.ts";
import type { WorktreeReport } from "../../model/reports.ts";
import { askDaemon } from "../client/daemon-client.ts";
import { type Run, requireProject } from "../context.ts";
import { pc } from "../output/colours.ts";
import { noticesText } from "../output/notices.ts";
import { offlineReports } from "../output/offline-reports.ts";
import { plainTable, worktreeTable } from "../output/plain-table.ts";
import { expiryLine } from "../output/worktree-list.ts";
import { readWorktreeReports } from "./wt-list.ts";

interface Part {
  readonly name: string;
  readonly running: boolean;
  /** Whether it is running and answers. */
  readonly answers: boolean;
  readonly detail: string;
}

const PARTS: readonly (readonly [string, string, HealthCheck?])[] = [
  ["supervisor", "runsvdir"],
  ["nginx", "nginx", checkNginx],
  ["Postgres", "pg_ctl", checkPostgres],
];

/** Shows what is running; exits with 1 if something is not as `ikigai start` leaves it. */
export const status: Run = async ({ cwd, out, say }, _, options) => {
  const project = requireProject(cwd);
  const [parts, { worktrees, problems, running, expiring = [] }] = await Promise.all([
    Promise.all(PARTS.map((part) => partOf(project.layout, ...part))),
    readWorktreeReports(project.layout, () => offlineReports(project)),
  ]);
  const degraded = running ? await degradation(project.layout) : undefined;
  const all = [...parts, { name: "daemon", running, answers: running, detail: "" }];
  const healthy =
    all.every((part) => part.answers) && worktrees.every(isWell) && problems.length === 0;
  if (options.json) {
    out(printableJson({ healthy, parts: all, problems, worktrees }));
    return healthy ? 0 : 1;
  }
  const rows = all.map((part) => [part.name, stateWord(part), pc.dim(printable(part.detail))]);
  out(`${plainTable(["PART", "STATE", ""], rows)}\n\n${worktreeTable(worktrees)}\n`);
  out(noticesText({ worktrees, problems }, pc));
  if (degraded !== undefined)
    out(`\n  ${pc.yellow("degraded")}: ${degraded}\n  next: ikigai doctor\n`);
  for (const one of expiring) say(expiryLine(one));
  if (!all.every((part) => part.running)) {
    say(`\n  next: ${problems.length > 0 ? "fix the configuration, then " : ""}ikigai start`);
  } else if (!all.every((part) => part.answers)) say("\n  next: ikigai doctor");
  return healthy ? 0 : 1;
};

function stateWord({ running, answers }: Part): string {
  if (answers) return pc.green("running");
  return running ? pc.red("does not answer") : pc.yellow("stopped");
}

function isWell({ problems, services }: WorktreeReport): boolean {
  return (
    problems.length === 0 &&
    services.every(({ state }) => state !== "crashed" && state !== "crashing")
  );
}

/** Asks the daemon why it notices changes later than usual; undefined if it does not. */
async function degradation(layout: Layout): Promise<string | undefined> {
  try {
    return (await askDaemon<{ degraded?: string }>(layout, "GET", "/v1/health")).degraded;
  } catch {
    // The daemon has stopped meanwhile.
    return undefined;
  }
}

async function partOf(
  layout: Layout,
  name: string,
  program: string,
  ask: HealthCheck = async () => undefined,
): Promise<Part> {
  const result = await execa(`${layout.bin}/${program}`, ["status"], {
    reject: false,
    stdin: "ignore",
  });
  const detail = (result.stdout || result.stderr).split("\n")[0] ?? "";
  const running = result.exitCode === 0;
  // A running server may still refuse every connection.
  const why = running ? await ask(layout) : undefined;
  return { name, running, answers: running && why === undefined, detail: why ?? detail };
}
