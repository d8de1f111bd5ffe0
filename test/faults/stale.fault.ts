import { type ChildProcess, spawn, spawnSync } from "node:child_process";
import {
  existsSync,
  lstatSync,
  readdirSync,
  readFileSync,
  realpathSync,
  writeFileSync,
} from "node:fs";
import { join } from "node:path";
import { afterAll, beforeAll, beforeEach, expect, test } from "vitest";
import { waitFor } from "../support/wait.ts";
import { endMachine } from "./support/machine.ts";
import { makePatient, type Patient } from "./support/patient.ts";
import { tell } from "./support/table.ts";

let patient: Patient;
let ikigai: string;

beforeAll(async () => {
  patient = await makePatient();
  ikigai = join(patient.project.root, ".ikigai");
});
afterAll(() => patient?.[Symbol.asyncDispose]());
beforeEach(async () => {
  await patient.recovers();
});

/** Lists all entries below `.ikigai` that match; data and logs are not searched. */
function find(wanted: (path: string) => boolean, directory = ikigai): string[] {
  return readdirSync(directory, { withFileTypes: true }).flatMap((entry) => {
    const path = join(directory, entry.name);
    if (entry.isDirectory()) return /\/(?:db|logs|deno)$/.test(path) ? [] : find(wanted, path);
    return wanted(path) ? [path] : [];
  });
}

const sockets = () => find((path) => lstatSync(path).isSocket());
const pidFiles = () => [
  ...find((path) => /\/(?:.*\.)?pid$/.test(path) && lstatSync(path).isFile()),
  join(realpathSync(join(ikigai, "db")), "postmaster.pid"),
];

/** A foreign process that leads its own group, like a shell's job. */
function makeInnocent(): ChildProcess {
  return spawn("sleep", ["600"], { stdio: "ignore", detached: true });
}

const isUnharmed = ({ exitCode, signalCode }: ChildProcess) =>
  exitCode === null && signalCode === null;

async function start(): Promise<void> {
  const started = await patient.project.ikigai("start");
  expect(started.exitCode, started.stderr).toBe(0);
  await patient.recovers();
}

test("sockets and pid files left by a power failure do no harm", async () => {
  await endMachine(patient);
  const left = sockets().map((path) => path.slice(ikigai.length));
  expect(left).toEqual(
    expect.arrayContaining(["/daemon.sock", "/run/gate.sock", "/run/sockets/main/backend.sock"]),
  );
  const files = pidFiles().filter((path) => readFileSync(path, "utf8") !== "");
  expect(files.length).toBeGreaterThan(6);
  const begin = performance.now();
  await start();
  tell({
    fault: `${left.length} stale sockets and ${files.length} stale pid files`,
    recovery: performance.now() - begin,
  });
});

test("every pid from before a power failure now belongs to a foreign process", async () => {
  await endMachine(patient);
  const innocent = makeInnocent();
  for (const file of pidFiles()) {
    // The rest of the file stays: Postgres rejects one that holds only a number.
    writeFileSync(file, readFileSync(file, "utf8").replace(/^\d*/, String(innocent.pid)));
  }
  const begin = performance.now();
  // Neither mistakes a foreign process for one to end, or for a running server.
  expect((await patient.project.ikigai("stop")).exitCode).toBe(0);
  await start();
  expect(isUnharmed(innocent)).toBe(true);
  innocent.kill();
  tell({ fault: "machine restart, every pid recycled", recovery: performance.now() - begin });
});

test("a foreign process with a service's old pid survives where the service cannot start", async () => {
  await endMachine(patient);
  const innocent = makeInnocent();
  const definition = join(ikigai, "run/services/main.backend");
  writeFileSync(join(definition, "pid"), `${innocent.pid} mark\n1\n`);
  // Its run script fails at once, and the finish script still runs.
  writeFileSync(join(definition, "command"), "exit 7\n");
  const begin = performance.now();
  const ended = waitFor(() => /^1 7 /.test(contentsOf(join(definition, "crashes"))));
  await Promise.all([ended, start()]);
  expect(isUnharmed(innocent)).toBe(true);
  innocent.kill();
  tell({
    fault: "a backend's pid recycled, and it cannot begin",
    recovery: performance.now() - begin,
  });
});

test("a foreign process with a service's old pid survives while the service's lock is held", async () => {
  const { project } = patient;
  await endMachine(patient);
  const innocent = makeInnocent();
  const definition = join(ikigai, "run/services/main.backend");
  const log = join(ikigai, "logs/main.backend/current");
  const holder = spawn("chpst", ["-L", join(definition, "lock"), "sleep", "600"], {
    stdio: "ignore",
    detached: true,
  });
  await waitFor(() => spawnSync("chpst", ["-L", join(definition, "lock"), "true"]).status !== 0);
  writeFileSync(join(definition, "pid"), `${innocent.pid} mark\n1\n`);
  const begin = performance.now();
  await project.ikigai("start");
  await waitFor(() => contentsOf(log).includes("lock"));
  holder.kill();
  await patient.recovers(60_000);
  expect(isUnharmed(innocent)).toBe(true);
  innocent.kill();
  tell({
    fault: "a backend's pid recycled, and its lock held",
    recovery: performance.now() - begin,
  });
});

function contentsOf(file: string): string {
  return existsSync(file) ? readFileSync(file, "utf8") : "";
}
