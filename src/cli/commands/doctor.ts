import fs from "node:fs";
import { type OpenProject, openProject } from "../../discovery/open-project.ts";
import type { Project } from "../../discovery/project.ts";
import { detectServices, strangeServices } from "../../discovery/services.ts";
import { unapprovedPrograms } from "../../discovery/trust.ts";
import { checkNginx, checkPostgres } from "../../host/net/server-health.ts";
import { detectRelocation } from "../../host/project/location.ts";
import { isSupervised } from "../../host/runit/supervise.ts";
import { projectIdentity } from "../../host/trust/approvals.ts";
import type { Configuration } from "../../model/configuration/configuration.ts";
import { type ConfigurationProblem, problemLine } from "../../model/configuration/problems.ts";
import type { Layout } from "../../model/layout.ts";
import { printable, printableJson, printableLines } from "../../model/printable.ts";
import type { PlanReport, RetiredReport } from "../../model/reports.ts";
import { formatSize } from "../../model/size.ts";
import { VERSION } from "../../version.ts";
import { askDaemon, DaemonAway } from "../client/daemon-client.ts";
import { type Run, requireProject } from "../context.ts";
import { pc } from "../output/colours.ts";
import {
  checkDisk,
  checkHooks,
  checkPrograms,
  checkShell,
  type Finding,
} from "../setup/doctor-checks.ts";
import { freePort, type PortUse, portUses } from "../setup/port-conflicts.ts";

/** Checks everything that ikigai depends on; exits with 1 if there is a problem. */
export const doctor: Run = async ({ cwd, out }, _, options) => {
  const project = await openProject(requireProject(cwd));
  const { settings, defaultWorktree: chosen } = project;
  const strange = unapprovedPrograms(projectIdentity(project.commonDir), settings);
  const findings = (
    await Promise.all([
      checkPrograms(settings.project, strange, chosen?.slug),
      checkSettings(project),
      checkPlace(project),
      checkHooks(project),
      [checkShell()],
      checkDisk(project.layout),
      checkDaemon(project),
      checkPorts(project, settings.project),
    ])
  ).flat();
  const healthy = findings.every(({ state }) => state !== "problem");
  if (options.json) out(printableJson({ healthy, findings }));
  else out(findings.map(line).join(""));
  return healthy ? 0 : 1;
};

function line({ what, state, detail, next }: Finding): string {
  const sign = { ok: pc.green("✔"), warning: pc.yellow("!"), problem: pc.red("✖") }[state];
  const mend = next === undefined ? "" : `      next: ${pc.bold(printable(next))}\n`;
  return `  ${sign} ${printable(what)}: ${printableLines(detail)}\n${mend}`;
}

/** Checks the configuration of the project and of every worktree, and the services that they name. */
async function checkSettings({ settings, worktrees }: OpenProject): Promise<Finding[]> {
  const what = "settings";
  const mend = ({ file }: ConfigurationProblem) => `edit ${file}`;
  const findings = settings.problems.map(
    (problem): Finding => ({
      what,
      state: "problem",
      detail: problemLine(problem),
      next: mend(problem),
    }),
  );
  if (settings.vanished !== undefined) {
    const detail = `${settings.vanished} is missing; its last settings still apply`;
    findings.push({
      what,
      state: "warning",
      detail,
      next: `create ${settings.vanished} again; {} means the defaults`,
    });
  }
  const present = worktrees.filter(({ state }) => state === "present");
  const strange = await Promise.all(
    present.map(async (worktree) => {
      const given = await settings.of(worktree.path);
      const detected = detectServices(worktree.path, given.configuration.services);
      const { mistakes, warnings } = strangeServices(given, detected);
      return { slug: worktree.slug, mistakes: [...given.loaded.problems, ...mistakes], warnings };
    }),
  );
  const told = new Set(settings.problems.map(problemLine));
  for (const { slug, mistakes } of strange) {
    for (const problem of mistakes.filter((one) => !told.has(problemLine(one)))) {
      const detail = problemLine(problem);
      findings.push({ what: `${what} of ${slug}`, state: "problem", detail, next: mend(problem) });
    }
  }
  // A setting that fits the branch of one worktree is no mistake; one that fits none is.
  for (const warning of strange[0]?.warnings ?? []) {
    const detail = problemLine(warning);
    const isEverywhere = strange.every((one) => one.warnings.map(problemLine).includes(detail));
    if (isEverywhere) findings.push({ what, state: "problem", detail, next: mend(warning) });
  }
  if (findings.length > 0) return findings;
  return [{ what, state: "ok", detail: settings.file ?? "no file; using the defaults" }];
}

function checkPlace({ layout }: Project): Finding[] {
  const arrival = detectRelocation(layout);
  if (!("from" in arrival)) return [];
  const detail = `${arrival.kind} here from ${arrival.from.root}; paths are not updated yet`;
  return [{ what: "place", state: "problem", detail, next: "ikigai start" }];
}

async function checkDaemon({ layout }: Project): Promise<Finding[]> {
  try {
    const health = await askDaemon<{ version: string; degraded?: string }>(
      layout,
      "GET",
      "/v1/health",
    );
    const running: Finding =
      health.version === VERSION
        ? { what: "daemon", state: "ok", detail: `running, ${VERSION}` }
        : {
            what: "daemon",
            state: "problem",
            detail: `running version ${health.version}, but ${VERSION} is installed`,
            next: "ikigai restart",
          };
    const watching: Finding[] =
      health.degraded === undefined
        ? [{ what: "watching", state: "ok", detail: "git's files are watched" }]
        : [
            {
              what: "watching",
              state: "warning",
              detail: `${health.degraded} (${limits()})`,
              next: "sysctl fs.inotify.max_user_instances=512 fs.inotify.max_user_watches=524288",
            },
          ];
    return [running, ...watching, ...(await checkLine({ layout }))];
  } catch (error) {
    if (error instanceof DaemonAway) {
      return [{ what: "daemon", state: "problem", detail: "not running", next: "ikigai start" }];
    }
    const detail = error instanceof Error ? error.message : String(error);
    return [{ what: "daemon", state: "problem", detail, next: "ikigai restart" }];
  }
}

/** Reports pending steps of the plan, resources without a worktree, and retained data. */
async function checkLine({ layout }: Pick<Project, "layout">): Promise<Finding[]> {
  const { steps, problems } = await askDaemon<PlanReport>(layout, "GET", "/v1/plan");
  const findings = problems.map(
    (detail): Finding => ({ what: "plan", state: "problem", detail, next: "ikigai start" }),
  );
  for (const { kind, key, why, action } of steps) {
    const orphan = action === "retire" || action === "remove";
    const what = orphan ? `orphaned ${kind} ${key}` : `${kind} ${key}`;
    findings.push({ what, state: "warning", detail: why, next: "ikigai start" });
  }
  if (problems.length > 0) return findings;
  const { retired } = await askDaemon<{ retired: RetiredReport[] }>(layout, "GET", "/v1/retired");
  const size = retired.reduce((sum, one) => sum + one.size, 0);
  const detail = retired.length === 0 ? "none" : `${retired.length}, ${formatSize(size)}`;
  const more = retired.length === 0 ? {} : { next: "ikigai wt restore --list" };
  return [...findings, { what: "data of removed worktrees", state: "ok", detail, ...more }];
}

async function checkPorts({ layout }: Project, settings: Configuration): Promise<Finding[]> {
  const uses = await portUses(layout, settings);
  return Promise.all(
    uses.map(async ({ port, key, holder }): Promise<Finding> => {
      const what = `port ${port}`;
      if (holder === "nobody") return { what, ...checkSilence(layout, key) };
      if (holder === "this project") return { what, ...(await checkAnswer(layout, key)) };
      return {
        what,
        state: "problem",
        detail: `in use by ${holder.other}`,
        next: freePort(key, "restart"),
      };
    }),
  );
}

const SERVERS = {
  "http.port": { service: "nginx", name: "nginx", ask: checkNginx },
  "postgres.port": { service: "postgres", name: "Postgres", ask: checkPostgres },
} as const;

/** Checks that the server which has the port also answers. */
async function checkAnswer(layout: Layout, key: PortUse["key"]): Promise<Omit<Finding, "what">> {
  const { service, name, ask } = SERVERS[key];
  const why = await ask(layout);
  if (why === undefined)
    return { state: "ok", detail: `in use by this project's ${name}, which answers` };
  const detail = `${name} is running but does not answer: ${why}`;
  return { state: "problem", detail, next: `ikigai logs ${service}, or: ikigai restart` };
}

/** Judges a port on which nothing listens: fine only while the project is stopped. */
function checkSilence(layout: Layout, key: PortUse["key"]): Omit<Finding, "what"> {
  const { service, name } = SERVERS[key];
  const directory = `${layout.sv}/${service}`;
  if (!isSupervised(directory)) return { state: "ok", detail: "free" };
  const next = "ikigai start";
  return fs.existsSync(`${directory}/down`)
    ? { state: "warning", detail: `not listening: ${name} was stopped by hand`, next }
    : { state: "problem", detail: `not listening: ${name} does not start`, next };
}

/** Reads the inotify limits; see "/proc interfaces" in inotify(7). */
function limits(): string {
  const read = (name: string) => {
    try {
      return fs.readFileSync(`/proc/sys/fs/inotify/${name}`, "utf8").trim();
    } catch {
      return "?";
    }
  };
  return `max_user_watches ${read("max_user_watches")}, max_user_instances ${read("max_user_instances")}`;
}
