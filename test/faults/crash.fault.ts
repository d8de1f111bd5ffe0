import { lstatSync, readdirSync, readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { setTimeout as pause } from "node:timers/promises";
import { afterAll, beforeAll, expect, test } from "vitest";
import { makeProject, type TestProject } from "../support/project.ts";
import { waitFor } from "../support/wait.ts";
import type { Process } from "./support/processes.ts";
import { castOf } from "./support/roles.ts";
import { tell } from "./support/table.ts";

const WINDOW_S = 30;
const FAILING = '#!/bin/sh\necho "cannot go on: $(date)"\nexit 3\n';
const MENDED =
  '#!/bin/sh\nexec node -e \'require("http").createServer((q,s)=>s.end("mended")).listen(process.env.PORT)\'\n';

let project: TestProject;

beforeAll(async () => {
  project = await makeProject({
    files: { "bad/backend/run": FAILING, "lonely/backend/run": FAILING },
    config: { services: { bad: { start: "always" }, lonely: { start: "always" } } },
  });
  await project.run("chmod", ["755", "main/bad/backend/run", "main/lonely/backend/run"]);
  await project.git("main", "commit", "-q", "-a", "-m", "executable");
  expect((await project.ikigai("start")).exitCode).toBeDefined();
});
afterAll(() => project?.[Symbol.asyncDispose]());

/** Seconds of processor time of a process and of its children that have ended (proc(5), `stat`). */
function processorSeconds(pid: number): number {
  const stat = readFileSync(`/proc/${pid}/stat`, "utf8");
  const fields = stat.slice(stat.lastIndexOf(")") + 2).split(" ");
  return fields.slice(11, 15).reduce((sum, ticks) => sum + Number(ticks), 0) / 100;
}

interface Listed {
  readonly worktrees: { services: { name: string; state: string; why?: string }[] }[];
}
const bad = async () => {
  const { stdout } = await project.ikigai("wt", "list", "--json");
  const { worktrees } = JSON.parse(stdout) as Listed;
  return worktrees[0]?.services.find(({ name }) => name === "bad");
};

test("a service that keeps failing says why, everywhere", async () => {
  await waitFor(async () => (await bad())?.state === "crashed");
  expect((await bad())?.why).toMatch(/exit code 3/);
  expect((await project.ikigai("wt", "show", "main")).stdout).toMatch(/exit code 3/);
  const answer = await project.http("/bad/api/x");
  expect(answer.status).toBe(503);
  expect(answer.text).toMatch(/exit code 3/);
  expect(answer.text).toContain("cannot go on");
  expect((await project.ikigai("logs", "main/bad")).stdout).toContain("cannot go on");
});

/** Reads svlogd's timestamp of a line (UTC, `-tt`) as milliseconds since the epoch. */
function stampOf(line: string): number {
  return Date.parse(`${line.slice(0, 23).replace("_", "T")}Z`);
}

/**
 * Returns the announced and the actual delay until the next try for each end, in seconds. For the
 * service without requests, as a request does not wait for it.
 */
function tries(): { promised: number; waited: number }[] {
  const lines = readFileSync(join(project.root, ".ikigai/logs/main.lonely/current"), "utf8")
    .split("\n")
    .filter((line) => /cannot go on|next try in/.test(line));
  return lines.flatMap((line, i) => {
    const [, promised] = /next try in (\d+) s/.exec(line) ?? [];
    const next = lines[i + 1];
    if (promised === undefined || next === undefined) return [];
    return [{ promised: Number(promised), waited: (stampOf(next) - stampOf(line)) / 1_000 }];
  });
}

/** The daemon, and the runsv of the service and its log. */
function keepers(): Process[] {
  const { daemon, runsv, svlogd } = castOf(project.root, project.root);
  const own = ({ cwd }: Process) => cwd.includes("/sv/main.lonely");
  const found = [daemon, runsv.filter(own), svlogd.filter(own)];
  expect(found.map((list) => list.length)).toEqual([1, 1, 1]);
  return found.flat();
}

/** Sums up the bytes of all logs. */
function logged(): number {
  const logs = join(project.root, ".ikigai/logs");
  const files = readdirSync(logs, { recursive: true }).map((name) =>
    // The links that name the owners of logs lead nowhere.
    lstatSync(join(logs, `${name}`)),
  );
  return files.reduce((sum, file) => sum + (file.isFile() ? file.size : 0), 0);
}

test("it costs under 1 % of a core and hardly any disk", async () => {
  await waitFor(() => tries().length >= 2, { deadline: 60_000 });
  const measured = keepers();
  const [daemon, ...own] = measured.map(({ pid }) => pid);
  // The daemon's time covers both failing services.
  const used = () =>
    own.reduce((sum, pid) => sum + processorSeconds(pid), processorSeconds(daemon ?? 0) / 2);
  const before = { cpu: used(), size: logged() };
  await pause(WINDOW_S * 1000);
  const share = (used() - before.cpu) / WINDOW_S;
  const bytes = logged() - before.size;
  expect(keepers().map(({ pid }) => pid)).toEqual(measured.map(({ pid }) => pid));
  tell({
    fault: "a crash loop",
    note: `daemon, runsv and svlogd: ${(share * 100).toFixed(2)} % of a core, ${bytes} bytes of logs in ${WINDOW_S} s`,
  });
  expect(share).toBeLessThan(0.01);
  expect(bytes).toBeLessThan(10_000);
});

test("it is retried less and less often", async () => {
  // The last announced delay must have passed first.
  await waitFor(() => tries().length >= 5, { deadline: 120_000 });
  const all = tries().slice(0, 5);
  expect(all.map(({ promised }) => promised)).toEqual([1, 2, 4, 8, 16]);
  tell({
    fault: "a crash loop: how long it waits",
    note: all.map(({ promised, waited }) => `${promised} s: ${waited.toFixed(1)} s`).join(", "),
  });
  // svlogd may be a tenth of a second late with the first of two lines.
  expect(all.filter(({ promised, waited }) => waited < promised - 0.1)).toEqual([]);
});

test("it is retried as soon as it is fixed", async () => {
  const begin = performance.now();
  writeFileSync(join(project.worktree("main"), "bad/backend/run"), MENDED);
  expect((await project.ikigai("trust", "main", "--yes")).exitCode).toBe(0);
  await waitFor(async () => (await project.http("/bad/api/x")).text === "mended", {
    deadline: 30_000,
  });
  tell({ fault: "a crash loop that is mended", recovery: performance.now() - begin });
});
