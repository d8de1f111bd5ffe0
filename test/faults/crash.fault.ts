import { readFileSync, statSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { setTimeout as pause } from "node:timers/promises";
import { afterAll, beforeAll, expect, test } from "vitest";
import { makeProject, type TestProject } from "../support/project.ts";
import { waitFor } from "../support/wait.ts";
import { processesOf } from "./support/processes.ts";
import { tell } from "./support/table.ts";

const WINDOW_S = 30;
const FAILING = '#!/bin/sh\necho "cannot go on: $(date)"\nexit 3\n';
const MENDED =
  '#!/bin/sh\nexec node -e \'require("http").createServer((q,s)=>s.end("mended")).listen(process.env.PORT)\'\n';

let project: TestProject;

beforeAll(async () => {
  project = await makeProject({
    files: { "bad/backend/run": FAILING },
    config: { services: { bad: { start: "always" } } },
  });
  await project.run("chmod", ["755", "main/bad/backend/run"]);
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

test("it costs under 1 % of a core and hardly any disk", async () => {
  const runsv = processesOf(project.root).filter(
    ({ line, cwd }) => line.startsWith("runsv ") && cwd.includes("/sv/main.bad"),
  );
  expect(runsv).toHaveLength(1);
  const [{ pid } = { pid: 0 }] = runsv;
  const log = join(project.root, ".ikigai/logs/main.bad/current");
  await waitFor(
    () =>
      /^[5-9] /.test(
        readFileSync(join(project.root, ".ikigai/run/services/main.bad/crashes"), "utf8"),
      ),
    {
      deadline: 60_000,
    },
  );
  const before = { cpu: processorSeconds(pid), size: statSync(log).size };
  await pause(WINDOW_S * 1000);
  const share = (processorSeconds(pid) - before.cpu) / WINDOW_S;
  const bytes = statSync(log).size - before.size;
  expect(share).toBeLessThan(0.01);
  expect(bytes).toBeLessThan(10_000);
  tell({
    fault: "a crash loop",
    note: `${(share * 100).toFixed(2)} % of a core, ${bytes} bytes of log in ${WINDOW_S} s`,
  });
});

test("it is tried again as soon as it is mended", async () => {
  const begin = performance.now();
  writeFileSync(join(project.worktree("main"), "bad/backend/run"), MENDED);
  expect((await project.ikigai("trust", "main", "--yes")).exitCode).toBe(0);
  await waitFor(async () => (await project.http("/bad/api/x")).text === "mended", {
    deadline: 30_000,
  });
  tell({ fault: "a crash loop that is mended", recovery: performance.now() - begin });
});
