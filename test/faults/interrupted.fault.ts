import { spawn } from "node:child_process";
import { setTimeout as pause } from "node:timers/promises";
import { fileURLToPath } from "node:url";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { waitFor } from "../support/wait.ts";
import { makePatient, type Patient } from "./support/patient.ts";
import { kill, processesOf } from "./support/processes.ts";
import { tell } from "./support/table.ts";

const cli = fileURLToPath(new URL("../../dist/cli.cjs", import.meta.url));
let patient: Patient;

beforeAll(async () => {
  patient = await makePatient();
});
afterAll(() => patient?.[Symbol.asyncDispose]());

/** Runs a command and kills it after a while: alone, or with its attached children. */
async function cutOff(command: string, milliseconds: number, whole: boolean): Promise<void> {
  const { root, env } = patient.project;
  const child = spawn(process.execPath, [cli, command], {
    ...{ cwd: root, env, stdio: "ignore", detached: true },
  });
  const over = new Promise((resolve) => child.once("exit", resolve));
  await pause(milliseconds);
  // After its end the pid may be another process's.
  if (whole && child.pid && child.exitCode === null) process.kill(-child.pid, "SIGKILL");
  else child.kill("SIGKILL");
  await over;
}

const MOMENTS = [50, 150, 300, 400, 500, 650, 800, 1_000, 1_300, 1_800];

describe.each([
  ["alone", false],
  ["with its group", true],
] as const)("killed %s", (how, whole) => {
  test.each(["stop", "start"] as const)(
    "`ikigai %s` that is killed at any moment is made up for by the next start",
    async (verb) => {
      let longest = 0;
      for (const moment of MOMENTS) {
        if (verb === "start") expect((await patient.project.ikigai("stop")).exitCode).toBe(0);
        await cutOff(verb, moment, whole);
        const begin = performance.now();
        const started = await patient.project.ikigai("start");
        expect(started.exitCode, `${moment} ms: ${started.stderr}`).toBe(0);
        await patient.recovers();
        longest = Math.max(longest, performance.now() - begin);
      }
      tell({
        fault: `kill -9: ikigai ${verb} ${how}, ${MOMENTS.length} moments`,
        recovery: longest,
        note: "with start",
      });
    },
  );
});

test("two starts at once leave one of everything", async () => {
  expect((await patient.project.ikigai("stop")).exitCode).toBe(0);
  const begin = performance.now();
  const both = await Promise.all([
    patient.project.ikigai("start"),
    patient.project.ikigai("start"),
  ]);
  expect(both.map(({ exitCode }) => exitCode)).toEqual([0, 0]);
  await patient.recovers();
  tell({ fault: "two starts at once", recovery: performance.now() - begin });
});

test("a hook that is killed costs nothing but its speed", async () => {
  const { project } = patient;
  const path = project.worktree("hooked");
  // The daemon is stopped, so that the hook waits and can be killed.
  const [daemon] = patient.cast().daemon;
  if (!daemon) throw new Error("there is no daemon");
  kill(daemon, "SIGSTOP");
  const adding = project.run("git", ["worktree", "add", "--quiet", "-b", "hooked", path, "main"]);
  const hit = await waitFor(
    () =>
      processesOf(project.root).find(({ line }) => /post-checkout|curl .*v1\/hook/.test(line)) ??
      processesOf(path).find(({ line }) => /post-checkout|v1\/hook/.test(line)),
    { every: 1, deadline: 5_000 },
  ).catch(() => undefined);
  if (hit) kill(hit);
  kill(daemon, "SIGCONT");
  const begin = performance.now();
  // git returns its hook's status; the worktree is complete all the same (git-worktree(1)).
  expect([0, 137]).toContain((await adding).exitCode);
  patient.worktrees.add("hooked");
  await patient.recovers();
  tell({
    fault: "kill -9: the hook",
    recovery: performance.now() - begin,
    ...(hit ? {} : { note: "it was over before it could be hit" }),
  });
});
