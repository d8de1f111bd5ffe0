import { setMaxListeners } from "node:events";
import { closeSync, existsSync, mkdirSync, openSync, readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { execa } from "execa";
import { afterAll, beforeAll, beforeEach, expect, test, vi } from "vitest";
import {
  type CommandResult,
  killRecorded,
  runRecorded,
} from "../../src/host/process/recorded-job.ts";
import { runSetupCommand } from "../../src/host/process/setup-command.ts";
import { type Layout, layoutOf } from "../../src/model/layout.ts";
import { makeProject, type TestProject } from "../support/project.ts";
import { must } from "../support/running.ts";
import { waitFor } from "../support/wait.ts";

let project: TestProject;
let layout: Layout;
let count = 0;
let record: string;
let ran: string;

beforeAll(async () => {
  project = await makeProject();
  await must(project, "init");
  layout = layoutOf(project.root);
  mkdirSync(`${layout.run}/setup`, { recursive: true });
});
afterAll(() => project?.dispose());
beforeEach(() => {
  count += 1;
  record = `${layout.run}/setup/main.first.step${count}`;
  ran = join(project.home, `ran${count}`);
});

async function once(script: string): Promise<CommandResult> {
  const log = openSync(`${project.home}/log`, "a");
  try {
    return await runRecorded(layout, {
      record,
      argv: ["sh", "-c", `echo ran >>"$1"; ${script}`, "sh", ran],
      cwd: project.root,
      environment: project.env,
      log,
      onEnd: () => () => {},
    });
  } finally {
    closeSync(log);
  }
}
const times = () => (existsSync(ran) ? readFileSync(ran, "utf8").split("\n").length - 1 : 0);

test.each(["", "\n", "1x", "x", "\0", "0\0", "0\n1\n"])(
  "a record with %j is invalid: the command runs, and its exit code is recorded",
  async (damaged) => {
    writeFileSync(record, damaged);
    expect(await once("exit 0")).toEqual({ ok: true });
    expect(times()).toBe(1);
    expect(readFileSync(record, "utf8")).toBe("0\n");
  },
);

test("a damaged record counts as a failure", async () => {
  writeFileSync(record, "");
  expect(await once("exit 3")).toEqual({ ok: false, why: "ended with exit code 3" });
  expect(readFileSync(record, "utf8")).toBe("3\n");
});

test.each([
  ["0\n", { ok: true }],
  ["3\n", { ok: false, why: "ended with exit code 3" }],
])("a record that holds %j stands: nothing runs again", async (whole, result) => {
  writeFileSync(record, whole);
  expect(await once("exit 0")).toEqual(result);
  expect(times()).toBe(0);
});

test("without a readable record nothing counts as done", async () => {
  const lost = await once(`mkdir '${record}'`);
  expect(lost).toEqual({ ok: false, why: "left no exit code behind" });
  expect(times()).toBe(1);
  expect(await once("exit 0")).toMatchObject({ ok: false });
  expect(times()).toBe(1);
});

test("many commands at once all end with the daemon, without a warning", async () => {
  const warnings: Error[] = [];
  const hear = (warning: Error) => warnings.push(warning);
  process.on("warning", hear);
  const ending = new AbortController();
  setMaxListeners(0, ending.signal);
  try {
    const slugs = Array.from({ length: 12 }, (_, n) => `many-${n}`);
    const script = ["sh", "-c", 'echo ran >>"$1"; exec sleep 600', "sh", ran];
    const command = { argv: script, environment: {}, step: "seed", round: "first" };
    const path = Buffer.from(`${project.root}/main`);
    const commands = slugs.map((slug) =>
      runSetupCommand(layout, { slug, path }, command, ending.signal),
    );
    await waitFor(() => times() === slugs.length).finally(() => ending.abort());
    for (const result of await Promise.all(commands)) expect(result).toMatchObject({ ended: true });
    expect(warnings).toEqual([]);
  } finally {
    process.off("warning", hear);
  }
});

test.runIf(existsSync("/proc/self"))(
  "a command left by a killed daemon is ended, also without ps",
  async () => {
    const wait = ["sh", "-c", 'echo ran >>"$1"; exec sleep 600', "sh", ran];
    const left = execa(`${layout.scripts}/once`, ["run", record, ...wait], {
      ...{ cwd: project.root, env: project.env, detached: true, reject: false },
    });
    try {
      await waitFor(() => times() === 1);
      vi.stubEnv("PATH", project.home);
      await killRecorded(layout, record);
      await waitFor(() => left.exitCode !== null || left.signalCode !== null);
    } finally {
      vi.unstubAllEnvs();
      if (left.exitCode === null && left.signalCode === null && left.pid)
        process.kill(-left.pid, "SIGKILL");
    }
    expect(existsSync(record)).toBe(false);
  },
);
