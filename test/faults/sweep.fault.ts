import { spawn, spawnSync } from "node:child_process";
import { afterAll, beforeAll, expect, test } from "vitest";
import { waitFor } from "../support/wait.ts";
import { makePatient, type Patient } from "./support/patient.ts";
import { kill, readProcess } from "./support/processes.ts";
import { tell } from "./support/table.ts";

/** Everything by which the daemon changes something; `write` is the database's protocol as well. */
const WRITES =
  "write,writev,pwrite64,sendto,rename,renameat,renameat2,mkdir,mkdirat,symlink,symlinkat,unlink,unlinkat,rmdir,link,linkat,fchmod,chmod,fsync,ftruncate";
/** Every n-th only; 1 is the whole sweep. */
const STEP = Number(process.env.SWEEP_STEP ?? 6);
const FIRST = Number(process.env.SWEEP_FIRST ?? 1);
const MOST = 400;

const works = spawnSync("strace", ["-e", "trace=none", "true"]).status === 0;
let patient: Patient;

beforeAll(async () => {
  if (works) patient = await makePatient();
});
afterAll(() => patient?.[Symbol.asyncDispose]());

/** Kills the daemon at its n-th write after now; the answer says whether it came to that. */
async function addCutOffAt(n: number, name: string): Promise<boolean> {
  const { project } = patient;
  const daemon = await waitFor(() => patient.cast().daemon[0]);
  const tracer = spawn(
    "strace",
    ["-f", "-p", String(daemon.pid), "-o", "/dev/null", "-e", `trace=${WRITES}`].concat([
      "-e",
      `inject=${WRITES}:signal=KILL:when=${n}`,
    ]),
    { stdio: ["ignore", "ignore", "pipe"] },
  );
  let said = "";
  tracer.stderr.on("data", (part) => {
    said += String(part);
  });
  await waitFor(() => said.includes("attached"));
  await project.git(".", "worktree", "add", "--quiet", "-b", name, project.worktree(name), "main");
  patient.worktrees.add(name);
  const alive = () => readProcess(daemon.pid)?.started === daemon.started;
  const done = await waitFor(async () => !alive() || (await patient.complaints()).length === 0, {
    deadline: 20_000,
  }).then(() => alive());
  // Asked politely it waits for a thread that is no more; what it traced goes on (ptrace(2)).
  tracer.kill("SIGKILL");
  await waitFor(() => tracer.exitCode !== null || tracer.signalCode !== null);
  return !done;
}

test.skipIf(!works)(
  "a daemon that is killed at any write of a provisioning ends it the next time",
  async () => {
    let longest = 0;
    let count = 0;
    for (let n = FIRST; n < MOST; n += STEP) {
      const name = `cut-${n}`;
      const hit = await addCutOffAt(n, name);
      const begin = performance.now();
      await patient.recovers();
      longest = Math.max(longest, performance.now() - begin);
      patient.worktrees.delete(name);
      await patient.project.git(".", "worktree", "remove", "--force", name);
      await waitFor(async () => {
        const rows = await patient.sql(`SELECT FROM pg_namespace WHERE nspname = 'wt_cut_${n}'`);
        return rows.length === 0;
      });
      if (!hit) break;
      count++;
    }
    expect(count).toBeGreaterThan(3);
    tell({ fault: `kill -9: daemon at ${count} writes of a provisioning`, recovery: longest });
  },
  3_000_000,
);

test.skipIf(works)("there is no sweep without strace", () => {
  tell({
    fault: "kill -9: daemon at every write",
    note: "skipped: strace is not there or may not trace",
  });
  expect(kill).toBeDefined();
});
