import { readdirSync, readFileSync } from "node:fs";
import { expect } from "vitest";
import { Operations } from "./operations.ts";
import type { Patient } from "./patient.ts";
import type { Process } from "./processes.ts";
import { tell } from "./table.ts";

interface Length {
  readonly milliseconds: number;
  /** Everything must be consistent after each of these; the daemon is spared in the second half. */
  readonly stages: number;
  readonly seed: number;
}

/** The daemon's resources, read once per operation. */
interface Sample {
  readonly pid: number;
  readonly memory: number;
  readonly descriptors: number;
}

/** Runs random operations and kills; checks that everything becomes consistent and nothing only grows. */
export async function soak(patient: Patient, length: Length): Promise<void> {
  const { milliseconds, stages, seed } = length;
  const operations = new Operations(patient, seed);
  const samples: Sample[] = [];
  const files: number[] = [];
  let longest = 0;
  for (let n = 0; n < stages; n++) {
    const spared = n < stages / 2 ? [] : daemonAndItsKeepers(patient);
    for (const end = Date.now() + milliseconds / stages; Date.now() < end; ) {
      await operations.any(spared);
      if (spared.length > 0) samples.push(usage(patient));
    }
    longest = Math.max(longest, await converge(patient, operations.added));
    files.push(entries(patient.project.root, operations.added));
    const { memory, descriptors } = usage(patient);
    console.log(
      `soak: stage ${n + 1} of ${stages}: ${operations.total} operations, ${memory.toFixed(0)} MB, ${descriptors} descriptors, ${files.at(-1)} files`,
    );
  }
  const counts = [...operations.counts].map(([name, count]) => `${count} ${name}`).join(", ");
  console.log(`soak: ${counts}, ${patient.rows.written} rows`);
  expect(new Set(samples.map(({ pid }) => pid)).size, "the daemon was spared").toBe(1);
  const quarter = Math.ceil(samples.length / 4);
  const [before, after] = [of(samples.slice(0, quarter)), of(samples.slice(-quarter))];
  const [first = 0, last = 0] = [files[0], files.at(-1)];
  tell({
    fault: `soak: ${operations.total} operations, ${operations.kills} of them kills, ${Math.round(milliseconds / 1_000)} s, seed ${seed}`,
    recovery: longest,
    note: `daemon ${before.memory.toFixed(0)} → ${after.memory.toFixed(0)} MB, ${before.descriptors} → ${after.descriptors} descriptors, ${first} → ${last} files in run/ and sv/, ${patient.rows.written} rows`,
  });
  expect(after.descriptors).toBeLessThanOrEqual(before.descriptors + 10);
  expect(after.memory).toBeLessThan(before.memory + 30);
  expect(last).toBeLessThanOrEqual(first + 4);
}

const of = (some: readonly Sample[]) => ({
  memory: median(some.map(({ memory }) => memory)),
  descriptors: median(some.map(({ descriptors }) => descriptors)),
});

const median = (numbers: readonly number[]) =>
  numbers.toSorted((a, b) => a - b)[Math.floor(numbers.length / 2)] ?? Number.NaN;

/** Waits until everything is consistent, with `ikigai start` in case daemon and runsvdir were both killed. */
async function converge(patient: Patient, added: ReadonlySet<string>): Promise<number> {
  const begin = performance.now();
  const started = await patient.project.ikigai("start");
  expect(started.exitCode, started.stderr).toBe(0);
  for (const name of patient.worktrees) {
    if (/^s\d$/.test(name) && !added.has(name)) patient.worktrees.delete(name);
  }
  for (const name of added) patient.worktrees.add(name);
  await patient.recovers(60_000);
  return performance.now() - begin;
}

/** A new runsvdir would start a new daemon. */
function daemonAndItsKeepers(patient: Patient): Process[] {
  const { daemon, runsvdir, runsv } = patient.cast();
  return [...daemon, ...runsvdir, ...runsv.filter(({ cwd }) => cwd.endsWith("/sv/daemon"))];
}

function usage(patient: Patient): Sample {
  const [daemon] = patient.cast().daemon;
  if (!daemon) {
    const log = readFileSync(`${patient.project.root}/.ikigai/logs/daemon/current`, "utf8");
    const words = log.split("\n").slice(-40).join("\n");
    throw new Error(`The daemon is gone. Its last words:\n${words}`);
  }
  const status = readFileSync(`/proc/${daemon.pid}/status`, "utf8");
  return {
    pid: daemon.pid,
    memory: Number(/VmRSS:\s+(\d+)/.exec(status)?.[1]) / 1024,
    descriptors: readdirSync(`/proc/${daemon.pid}/fd`).length,
  };
}

/** Counts files in `run/` and service directories, except those of added worktrees, spare ones and nginx'. */
function entries(root: string, added: ReadonlySet<string>): number {
  const run = readdirSync(`${root}/.ikigai/run`, { recursive: true }).map(String);
  const all = [...run, ...readdirSync(`${root}/.ikigai/sv`)];
  return all.filter((path) => {
    const parts = path.split("/");
    const isAdded = parts.some((part) => added.has(part.replace(/\..*$/, "")));
    return !isAdded && !/^(?:(?:nginx|slots|traffic)\/|spare-)/.test(path);
  }).length;
}
