import { spawn } from "node:child_process";
import { setTimeout as pause } from "node:timers/promises";
import { fileURLToPath } from "node:url";
import { afterAll, beforeAll, expect, test } from "vitest";
import { endMachine } from "./support/machine.ts";
import { makePatient, type Patient } from "./support/patient.ts";
import { tell } from "./support/table.ts";

const cli = fileURLToPath(new URL("../../dist/cli.cjs", import.meta.url));
let patient: Patient;
let made = 0;

beforeAll(async () => {
  patient = await makePatient();
});
afterAll(() => patient?.[Symbol.asyncDispose]());

/** Kills all processes of the project, git's hook and what it started included; not git itself. */
const endAll = () => endMachine(patient, ({ line }) => !/^(?:\/\S+\/)?git /.test(line));

/** Kills everything so many milliseconds after the start of `git worktree add`. */
async function addCutOffAfter(milliseconds: number): Promise<string> {
  const { project, rows, worktrees } = patient;
  const name = `cut-${++made}`;
  rows.added(name);
  const path = project.worktree(name);
  const adding = project.run("git", ["worktree", "add", "-q", "-b", name, path, "main"]);
  await pause(milliseconds);
  await endAll();
  // git returns its hook's status; the worktree is complete all the same (git-worktree(1)).
  expect([0, 137]).toContain((await adding).exitCode);
  await endAll();
  worktrees.add(name);
  return name;
}

async function start(): Promise<void> {
  const started = await patient.project.ikigai("start");
  expect(started.exitCode, started.stderr).toBe(0);
}

test.each([0, 20, 50, 100, 200, 400])(
  "everything is killed %i ms into an add, and start completes it",
  async (milliseconds) => {
    await patient.recovers();
    const name = await addCutOffAfter(milliseconds);
    const begin = performance.now();
    await start();
    await patient.recovers(60_000);
    tell({
      fault: `kill -9: everything ${milliseconds} ms after a worktree was begun, then start`,
      recovery: performance.now() - begin,
    });
    await patient.remove(name);
  },
);

test.each([100, 400, 1_000, 2_000])(
  "everything is killed during a provisioning, and again %i ms into the next start",
  async (milliseconds) => {
    await patient.recovers();
    const name = await addCutOffAfter(50);
    const { root, env } = patient.project;
    const starting = spawn(process.execPath, [cli, "start"], { cwd: root, env, stdio: "ignore" });
    const over = new Promise((resolve) => starting.once("exit", resolve));
    await pause(milliseconds);
    starting.kill("SIGKILL");
    await over;
    await endAll();
    const begin = performance.now();
    await start();
    await patient.recovers(60_000);
    tell({
      fault: `kill -9: everything amid a provisioning, start and all again after ${milliseconds} ms`,
      recovery: performance.now() - begin,
    });
    await patient.remove(name);
  },
);
