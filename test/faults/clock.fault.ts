import { existsSync, mkdtempSync, renameSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, beforeAll, expect, test } from "vitest";
import { waitFor } from "../support/wait.ts";
import { makePatient, type Patient } from "./support/patient.ts";
import { tell } from "./support/table.ts";

const LIBRARY = ["x86_64-linux-gnu", "aarch64-linux-gnu"]
  .map((machine) => `/usr/lib/${machine}/faketime/libfaketime.so.1`)
  .find((file) => existsSync(file));

const DAY_S = 86_400;
const RETENTION_S = 60;
const IDLE_S = 20;
let directory: string;
let patient: Patient;

/** Moves the daemon's clock by so many seconds from the machine's, which stays untouched. */
function jump(seconds: number): void {
  const file = join(directory, "clock");
  writeFileSync(`${file}.new`, seconds === 0 ? "+0" : `${seconds > 0 ? "+" : ""}${seconds}s`);
  renameSync(`${file}.new`, file);
}

beforeAll(async () => {
  if (!LIBRARY) return;
  directory = mkdtempSync(join(tmpdir(), "iki-clock-"));
  jump(0);
  const node = join(directory, "node");
  const clock = [
    `LD_PRELOAD=${LIBRARY}`,
    `FAKETIME_TIMESTAMP_FILE=${directory}/clock`,
    "FAKETIME_DONT_FAKE_MONOTONIC=1",
    "FAKETIME_NO_CACHE=1",
    "NO_FAKE_STAT=1",
  ].join(" ");
  const script = `#!/bin/sh
case $* in
*"/daemon.js "*) exec env ${clock} ${process.execPath} "$@" ;;
*) exec ${process.execPath} "$@" ;;
esac
`;
  writeFileSync(node, script, { mode: 0o755 });
  patient = await makePatient({
    config: {
      programs: { node },
      worktrees: { retention: { age: `${RETENTION_S}s` } },
      services: { backend: { idle: `${IDLE_S}s` } },
    },
  });
});
afterAll(async () => {
  await patient?.[Symbol.asyncDispose]();
  if (directory) rmSync(directory, { recursive: true });
});

const retired = async () => {
  const rows = await patient.sql<{ name: string }>(
    "SELECT nspname AS name FROM pg_namespace WHERE nspname LIKE 'retired\\_%'",
  );
  return rows.map(({ name }) => name);
};

/** Returns when, according to the daemon, the retired data expires. */
const end = async () => {
  const { stdout } = await patient.project.ikigai("wt", "restore", "--list", "--json");
  const { retired } = JSON.parse(stdout) as { retired: { goes: string }[] };
  return Date.parse(retired[0]?.goes ?? "");
};

const jumps: readonly (readonly [string, number])[] = [
  ["forward by a day", DAY_S],
  ["backward by a day", -DAY_S],
  ["forward by ten years", 3_650 * DAY_S],
  ["backward by ten years", -3_650 * DAY_S],
];

test.skipIf(!LIBRARY).each(jumps)("a clock that jumps %s stops nothing", async (name, by) => {
  const { git, root } = patient.project;
  const branch = name.replaceAll(" ", "-");
  await patient.recovers();
  const [running] = patient.cast().services.get("rel-05.backend") ?? [];
  jump(by);
  const begin = performance.now();
  // A change is noticed now, though its time may be earlier than the last reconcile's.
  await git(".", "worktree", "add", "-q", "--no-checkout", "-b", branch, branch, "main");
  await waitFor(() => existsSync(join(root, `.ikigai/run/env/${branch}.sh`)));
  await git(".", "worktree", "remove", "--force", branch);
  await patient.recovers();
  tell({ fault: `the daemon's clock jumps ${name}`, recovery: performance.now() - begin });
  const stillRunning = patient.cast().services.get("rel-05.backend") ?? [];
  expect(stillRunning.map(({ pid }) => pid)).toEqual([running?.pid]);
  jump(0);
});

test.skipIf(!LIBRARY).each(jumps.slice(2))(
  "data of a removed worktree are kept for exactly their time when the clock jumps %s",
  async (name, by) => {
    const { git, worktree } = patient.project;
    const branch = `kept-${name.replaceAll(" ", "-")}`;
    await git(".", "worktree", "add", "-q", "-b", branch, worktree(branch), "main");
    patient.worktrees.add(branch);
    await patient.recovers();
    patient.worktrees.delete(branch);
    const begin = performance.now();
    const aside = async () =>
      (await retired()).find((schema) => schema.includes(branch.replaceAll("-", "_")));
    await git(".", "worktree", "remove", "--force", branch);
    await waitFor(aside);
    const expected = await end();
    jump(by);
    await waitFor(async () => Math.abs((await end()) - expected - by * 1_000) < 600_000);
    await waitFor(async () => !(await aside()), { deadline: 150_000 });
    const kept = performance.now() - begin;
    expect(kept).toBeGreaterThanOrEqual(RETENTION_S * 1_000);
    tell({
      fault: `the clock jumps ${name}, data kept for ${RETENTION_S} s`,
      note: `dropped after ${(kept / 1_000).toFixed(0)} s`,
    });
    jump(0);
  },
);

test.skipIf(!LIBRARY)("an unused service stops although the clock was set back", async () => {
  const { project } = patient;
  await project.http("/rel-05/api/x");
  jump(-DAY_S);
  const begin = performance.now();
  await waitFor(() => (patient.cast().services.get("rel-05.backend") ?? []).length === 0, {
    deadline: 60_000,
  });
  tell({
    fault: "a day back, and nobody uses a service",
    recovery: performance.now() - begin,
  });
  jump(0);
});

test.skipIf(!LIBRARY)("start and stop wait the normal time while the clock jumps", async () => {
  const { project } = patient;
  const { env } = project;
  const faked = {
    LD_PRELOAD: LIBRARY,
    FAKETIME_TIMESTAMP_FILE: join(directory, "clock"),
    FAKETIME_DONT_FAKE_MONOTONIC: "1",
    FAKETIME_NO_CACHE: "1",
  };
  // Always forward, so that two readings of the clock are at least a day apart.
  let days = 0;
  const running = setInterval(() => jump(++days * DAY_S), 20);
  const begin = performance.now();
  try {
    for (const command of ["stop", "start"]) {
      const program = join(project.root, ".ikigai/bin/runsvdir");
      const done = await project.run(program, [command], { env: { ...env, ...faked } });
      expect(done, command).toMatchObject({ exitCode: 0, stderr: "" });
    }
  } finally {
    clearInterval(running);
    jump(0);
  }
  const milliseconds = performance.now() - begin;
  expect((await project.ikigai("start")).exitCode).toBe(0);
  await patient.recovers(30_000);
  tell({
    fault: "the clock runs away by days during runsvdir stop, start",
    recovery: milliseconds,
  });
});

test.skipIf(LIBRARY)("no clock jumps without libfaketime", () => {
  tell({
    fault: "a clock that jumps",
    note: "skipped: libfaketime (Debian: faketime) is not there",
  });
  // `npm run test:faults` installs it and relies on it.
  expect(process.env.IKIGAI_FAULTS_TABLE, "libfaketime is needed").toBeUndefined();
});
