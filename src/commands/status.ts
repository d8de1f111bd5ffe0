import { execa } from "execa";
import { noticesText } from "../engine/notices.ts";
import { askDaemon } from "../host/daemon-client.ts";
import type { Layout } from "../model/layout.ts";
import { printable, printableJson } from "../model/printable.ts";
import type { WorktreeReport } from "../model/report.ts";
import { pc } from "./colours.ts";
import { type Run, requireProject } from "./command.ts";
import { sayWhatGoes } from "./going.ts";
import { offlineReports } from "./offline.ts";
import { plainTable, worktreeTable } from "./table.ts";
import { readWorktreeReports } from "./wt-list.ts";

interface Part {
  readonly name: string;
  readonly running: boolean;
  readonly detail: string;
}

const PARTS = [
  ["supervisor", "runsvdir"],
  ["nginx", "nginx"],
  ["Postgres", "pg_ctl"],
] as const;

/** Exit code 1 when something is not as `ikigai start` leaves it. */
export const status: Run = async ({ cwd, out, say }, _, options) => {
  const project = requireProject(cwd);
  const [parts, { worktrees, problems, running }] = await Promise.all([
    Promise.all(PARTS.map(([name, program]) => partOf(project.layout, name, program))),
    readWorktreeReports(project.layout, () => offlineReports(project)),
  ]);
  const degraded = running ? await degradation(project.layout) : undefined;
  const all = [...parts, { name: "daemon", running, detail: "" }];
  const healthy =
    all.every((part) => part.running) && worktrees.every(isWell) && problems.length === 0;
  if (options.json) {
    out(printableJson({ healthy, parts: all, problems, worktrees }));
    return healthy ? 0 : 1;
  }
  const rows = all.map((part) => [
    part.name,
    part.running ? pc.green("running") : pc.yellow("stopped"),
    pc.dim(printable(part.detail)),
  ]);
  out(`${plainTable(["PART", "STATE", ""], rows)}\n\n${worktreeTable(worktrees)}\n`);
  out(noticesText({ worktrees, problems }, pc));
  if (degraded !== undefined)
    out(`\n  ${pc.yellow("degraded")}: ${degraded}\n  next: ikigai doctor\n`);
  if (running) await sayWhatGoes(project.layout, say);
  if (!all.every((part) => part.running)) {
    say(`\n  next: ${problems.length > 0 ? "mend the settings, then " : ""}ikigai start`);
  }
  return healthy ? 0 : 1;
};

function isWell({ problems, services }: WorktreeReport): boolean {
  return (
    problems.length === 0 &&
    services.every(({ state }) => state !== "crashed" && state !== "crashing")
  );
}

/** Why the daemon notices less than it could. */
async function degradation(layout: Layout): Promise<string | undefined> {
  try {
    return (await askDaemon<{ degraded?: string }>(layout, "GET", "/v1/health")).degraded;
  } catch {
    // It has ended meanwhile.
    return undefined;
  }
}

async function partOf(layout: Layout, name: string, program: string): Promise<Part> {
  const result = await execa(`${layout.bin}/${program}`, ["status"], {
    reject: false,
    stdin: "ignore",
  });
  const detail = (result.stdout || result.stderr).split("\n")[0] ?? "";
  return { name, running: result.exitCode === 0, detail };
}
