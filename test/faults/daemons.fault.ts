import { type ChildProcess, spawn } from "node:child_process";
import { join } from "node:path";
import { afterAll, beforeAll, expect, test } from "vitest";
import { waitFor } from "../support/wait.ts";
import { makePatient, type Patient } from "./support/patient.ts";
import { tell } from "./support/table.ts";

let patient: Patient;
const begun: ChildProcess[] = [];

beforeAll(async () => {
  patient = await makePatient();
});
afterAll(async () => {
  for (const one of begun) one.kill("SIGKILL");
  await patient?.[Symbol.asyncDispose]();
});

const isOver = ({ exitCode, signalCode }: ChildProcess) => exitCode !== null || signalCode !== null;

/** Starts the daemon's run script by hand, beside the running one. */
function beginByHand(): ChildProcess {
  const { root, env } = patient.project;
  const place = join(root, ".ikigai/sv/daemon");
  const one = spawn(join(place, "run"), [], { cwd: place, env, stdio: "ignore" });
  begun.push(one);
  return one;
}

/** Returns the only daemon, if it is the supervised one. */
function supervised(): number | undefined {
  const { daemon, runsv } = patient.cast();
  const reconciler = runsv.find(({ cwd }) => cwd.endsWith("/sv/daemon"));
  const [only, ...others] = daemon;
  return others.length === 0 && only && only.parent === reconciler?.pid ? only.pid : undefined;
}

test("of a daemon started by hand and runit's own, runit's stays", async () => {
  let longest = 0;
  for (const name of ["beside-1", "beside-2", "beside-3"]) {
    const begin = performance.now();
    const second = beginByHand();
    // No process ends either: they settle it between themselves.
    await waitFor(() => isOver(second) && supervised() !== undefined, { deadline: 60_000 });
    longest = Math.max(longest, performance.now() - begin);
    const survivor = supervised();
    await patient.add(name);
    await patient.recovers();
    await patient.remove(name);
    await patient.recovers();
    expect(supervised()).toBe(survivor);
  }
  tell({
    fault: "a second daemon by hand, and nobody ends one",
    recovery: longest,
    note: "runit's own stays",
  });
});
