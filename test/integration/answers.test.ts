import { readFileSync, writeFileSync } from "node:fs";
import { afterAll, beforeAll, expect, test } from "vitest";
import { processesOf } from "../../scripts/processes.js";
import type { TestProject } from "../support/project.ts";
import { must, startProject } from "../support/running.ts";
import { waitFor } from "../support/wait.ts";

let project: TestProject;

beforeAll(async () => {
  project = await startProject();
}, 180_000);

afterAll(async () => {
  expect(await project?.dispose()).toEqual([]);
}, 60_000);

interface Told {
  readonly healthy: boolean;
  readonly parts: readonly { name: string; running: boolean; answers: boolean; detail: string }[];
}

/** Checks what both commands say about a server that admits no client, and their exit code 1. */
async function told(name: string): Promise<{ status: string; doctor: string }> {
  const [status, doctor] = await Promise.all([
    project.ikigai("status", "--json"),
    project.ikigai("doctor"),
  ]);
  const { healthy, parts } = JSON.parse(status.stdout) as Told;
  const part = parts.find((one) => one.name === name);
  expect([status.exitCode, healthy, part?.running, part?.answers]).toEqual([1, false, true, false]);
  expect(doctor.exitCode).toBe(1);
  const line = doctor.stdout
    .split("\n")
    .find((each) => each.includes(`${name} is running but does not`));
  return { status: part?.detail ?? "", doctor: line ?? "" };
}

async function untilWell(): Promise<void> {
  await waitFor(async () => (await project.ikigai("status")).exitCode === 0);
}

async function pidsOf(title: RegExp): Promise<number[]> {
  const found = await processesOf([project.root]);
  return found.filter((one) => title.test(one.title.replace(/^\d+ /, ""))).map(({ pid }) => pid);
}

test("a Postgres that refuses every connection is reported, with its message", async () => {
  const psql = (sql: string) => project.run(".ikigai/bin/psql", ["-XAtc", sql]);
  const file = (await psql("SHOW hba_file")).stdout;
  const rules = readFileSync(file, "utf8");
  const reload = () => project.run(".ikigai/bin/pg_ctl", ["reload"]);
  writeFileSync(file, `host all all all reject\nlocal all all reject\n${rules}`);
  try {
    await reload();
    await waitFor(async () => (await psql("SELECT 1")).exitCode !== 0);
    const { status, doctor } = await told("Postgres");
    expect(status).toContain("pg_hba.conf rejects connection");
    expect(doctor).toContain("pg_hba.conf rejects connection");
  } finally {
    writeFileSync(file, rules);
    await reload();
  }
  await untilWell();
  await must(project, "doctor");
});

test.each([
  ["Postgres", /\/postgres -D /],
  ["nginx", /^nginx: worker/],
] as const)("a %s that hangs is told, in a time that a person waits", async (name, title) => {
  const pids = await pidsOf(title);
  expect(pids).not.toEqual([]);
  for (const pid of pids) process.kill(pid, "SIGSTOP");
  try {
    expect((await told(name)).status).toMatch(/timeout expired|no answer within/);
  } finally {
    for (const pid of pids) process.kill(pid, "SIGCONT");
  }
  await untilWell();
});
