import { readdirSync, readFileSync } from "node:fs";
import { afterAll, beforeAll, expect, test } from "vitest";
import { makePatient, type Patient } from "./support/patient.ts";
import { kill, type Process } from "./support/processes.ts";
import { tell } from "./support/table.ts";

/** 30 is the long form. */
const MINUTES = Number(process.env.SOAK_MINUTES ?? 1.25);
const SEED = Number(process.env.SOAK_SEED ?? 1);
/** After each of these everything must be in line. */
const STAGES = Math.max(2, Math.ceil(MINUTES / 3));

let patient: Patient;

beforeAll(async () => {
  patient = await makePatient();
});
afterAll(() => patient?.[Symbol.asyncDispose]());

/** Numbers that come again with the same seed (mulberry32). */
function dice(seed: number): (sides: number) => number {
  let state = seed;
  return (sides) => {
    state = (state + 0x6d2b79f5) | 0;
    let t = Math.imul(state ^ (state >>> 15), 1 | state);
    t = (t + Math.imul(t ^ (t >>> 7), 61 | t)) ^ t;
    return ((t ^ (t >>> 14)) >>> 0) % sides;
  };
}

function usage(): Sample {
  const [daemon] = patient.cast().daemon;
  if (!daemon) throw new Error(`The daemon is gone. Its last words:\n${lastWords()}`);
  const status = readFileSync(`/proc/${daemon.pid}/status`, "utf8");
  return {
    pid: daemon.pid,
    memory: Number(/VmRSS:\s+(\d+)/.exec(status)?.[1]) / 1024,
    descriptors: readdirSync(`/proc/${daemon.pid}/fd`).length,
  };
}

/** The end of the daemon's log. */
function lastWords(): string {
  const log = readFileSync(`${patient.project.root}/.ikigai/logs/daemon/current`, "utf8");
  return log.split("\n").slice(-40).join("\n");
}

/** What the daemon has used, asked once an operation. */
interface Sample {
  readonly pid: number;
  readonly memory: number;
  readonly descriptors: number;
}

/** A new runsvdir would bring a new daemon. */
function daemonAndItsKeepers(): Process[] {
  const { daemon, runsvdir, runsv } = patient.cast();
  return [...daemon, ...runsvdir, ...runsv.filter(({ cwd }) => cwd.endsWith("/sv/daemon"))];
}

/** One random operation or kill; true for a kill. */
async function anything(
  roll: (sides: number) => number,
  extra: Set<string>,
  spared: readonly Process[],
): Promise<boolean> {
  const { project } = patient;
  const pick = roll(100);
  const name = `s${roll(8)}`;
  const path = project.worktree(name);
  if (pick < 25 && !extra.has(name)) {
    await project.run("git", ["worktree", "add", "-q", "-B", name, path, "main"]);
    extra.add(name);
  } else if (pick < 40 && extra.has(name)) {
    await project.run("git", ["worktree", "remove", "--force", path]);
    extra.delete(name);
  } else if (pick < 65) {
    const [any = "main"] = [...extra, "main", "rel-05"].slice(roll(extra.size + 2));
    await project.http(`/${any}/api/x`, { timeout: 20_000 }).catch(() => {});
  } else if (pick < 75) {
    await project.ikigai("wt", "list");
  } else if (pick < 78) {
    await project.run("git", ["commit", "-q", "--allow-empty", "-m", "x"], { cwd: "rel-05" });
  } else {
    const { all, daemon, runsvdir } = patient.cast();
    // Nobody is left who would bring anything back.
    if (daemon.length + runsvdir.length === 0) await project.ikigai("start");
    const victims = all.filter(({ pid }) => spared.every((one) => one.pid !== pid));
    const victim = victims[roll(victims.length)];
    return victim !== undefined && kill(victim);
  }
  return false;
}

/** Everything in line again, with `ikigai start` for when the daemon and runsvdir were killed together. */
async function converge(extra: ReadonlySet<string>): Promise<number> {
  const begin = performance.now();
  const started = await patient.project.ikigai("start");
  expect(started.exitCode, started.stderr).toBe(0);
  for (const name of patient.worktrees) {
    if (/^s\d$/.test(name) && !extra.has(name)) patient.worktrees.delete(name);
  }
  for (const name of extra) patient.worktrees.add(name);
  await patient.recovers(60_000);
  return performance.now() - begin;
}

const median = (numbers: readonly number[]) =>
  numbers.toSorted((a, b) => a - b)[Math.floor(numbers.length / 2)] ?? Number.NaN;

test(`random operations and kills end with everything in line (seed ${SEED})`, async () => {
  console.log(`soak: ${MINUTES} min, SOAK_SEED=${SEED}`);
  const roll = dice(SEED);
  const extra = new Set<string>();
  const samples: Sample[] = [];
  let [operations, kills, longest] = [0, 0, 0];
  const stage = (MINUTES * 60_000) / STAGES;
  for (let n = 0; n < STAGES; n++) {
    // In the second half the daemon lives, so that what it gathers can be seen.
    const spared = n < STAGES / 2 ? [] : daemonAndItsKeepers();
    for (const end = Date.now() + stage; Date.now() < end; operations++) {
      if (await anything(roll, extra, spared)) kills++;
      if (spared.length > 0) samples.push(usage());
    }
    longest = Math.max(longest, await converge(extra));
    const { memory, descriptors } = usage();
    console.log(
      `soak: stage ${n + 1} of ${STAGES}: ${operations} operations, ${kills} kills, ${memory.toFixed(0)} MB, ${descriptors} descriptors`,
    );
  }
  expect(new Set(samples.map(({ pid }) => pid)).size, "the daemon was spared").toBe(1);
  const quarter = Math.ceil(samples.length / 4);
  const of = (some: readonly Sample[]) => ({
    memory: median(some.map(({ memory }) => memory)),
    descriptors: median(some.map(({ descriptors }) => descriptors)),
  });
  const [before, after] = [of(samples.slice(0, quarter)), of(samples.slice(-quarter))];
  tell({
    fault: `soak: ${operations} operations, ${kills} kills, ${MINUTES} min, seed ${SEED}`,
    recovery: longest,
    note: `daemon ${before.memory.toFixed(0)} → ${after.memory.toFixed(0)} MB, ${before.descriptors} → ${after.descriptors} descriptors`,
  });
  expect(after.descriptors).toBeLessThanOrEqual(before.descriptors + 10);
  expect(after.memory).toBeLessThan(before.memory + 30);
}, 3_600_000);
