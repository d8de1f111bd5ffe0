import { existsSync } from "node:fs";
import { afterAll, beforeAll, expect, test } from "vitest";
import { waitFor } from "../support/wait.ts";
import { schemaOf } from "./support/leftovers.ts";
import { makePatient, type Patient } from "./support/patient.ts";
import { readProcess } from "./support/processes.ts";
import { canTrace, killedAt, type Point, writesDuring } from "./support/strace.ts";
import { tell } from "./support/table.ts";

/** Every n-th call of each name only; 1 is the whole sweep. */
const STEP = Number(process.env.SWEEP_STEP ?? 12);

let patient: Patient;
let made = 0;

beforeAll(async () => {
  if (!canTrace) return;
  // Every branch has all its rows: few enough for hundreds of branches.
  patient = await makePatient({
    pace: 200,
    files: { "frontend/index.html": "<p>Hello</p>", "frontend/main.js": "" },
  });
});
afterAll(() => patient?.[Symbol.asyncDispose]());

/** A provisioning, up to the first answer; the daemon is not asked for anything but that. */
async function add(name: string): Promise<void> {
  await patient.add(name);
  await patient.project.http(`/${name}/api/x`, { timeout: 20_000 }).catch(() => {});
}

/** A removal, as long as the daemon that began it lives. */
async function remove(name: string, isOver: () => boolean): Promise<void> {
  await patient.remove(name);
  const { root } = patient.project;
  const isGone = async () =>
    !existsSync(`${root}/.ikigai/run/env/${name}.sh`) &&
    !existsSync(`${root}/.ikigai/run/services/${name}.backend`) &&
    (await patient.sql(`SELECT FROM pg_namespace WHERE nspname = '${schemaOf(name)}'`)).length ===
      0;
  await waitFor(async () => isOver() || (await isGone()), { deadline: 30_000 });
}

/** As many as the step leaves, the first and the last with them, and one at least. */
function spread(points: readonly Point[]): Point[] {
  const count = Math.max(1, Math.ceil(points.length / STEP));
  const at = (i: number) => points[Math.round((i * (points.length - 1)) / Math.max(1, count - 1))];
  return Array.from({ length: count }, (_, i) => at(i)).filter((point) => point !== undefined);
}

/** What is killed at its calls, and what must be true then. */
interface Sweep {
  readonly fault: string;
  before(name: string): Promise<void>;
  hurt(name: string, isOver: () => boolean): Promise<void>;
  after(name: string): Promise<void>;
}

const sweeps: Sweep[] = [
  {
    fault: "a provisioning",
    before: async () => {},
    hurt: add,
    after: (name) => patient.remove(name),
  },
  { fault: "a removal", before: add, hurt: remove, after: async () => {} },
];

/** Milliseconds to recover; undefined when it did not come to that call. */
async function cutOff(sweep: Sweep, point: Point): Promise<number | undefined> {
  const name = `cut-${++made}`;
  await sweep.before(name);
  await patient.recovers(40_000);
  const daemon = await waitFor(() => patient.cast().daemon[0]);
  const isOver = () => readProcess(daemon.pid)?.started !== daemon.started;
  await killedAt(daemon.pid, point, () => sweep.hurt(name, isOver));
  const hit = isOver();
  const recovery = await patient.recovers(40_000).catch((error: Error) => {
    throw new Error(`Killed at ${point.name} ${point.n} (${name}): ${error.message}`);
  });
  await sweep.after(name);
  return hit ? recovery : undefined;
}

test.skipIf(!canTrace).each(sweeps)(
  "a daemon that is killed at any writing call of $fault ends it the next time",
  async (sweep) => {
    const first = `cut-${++made}`;
    await sweep.before(first);
    await patient.recovers(40_000);
    const { pid } = await waitFor(() => patient.cast().daemon[0]);
    const points = await writesDuring(pid, () => sweep.hurt(first, () => false));
    await patient.recovers();
    await sweep.after(first);
    console.log([...points].map(([name, all]) => `${name} ${all.length}`).join(", "));
    let longest = 0;
    let count = 0;
    const never: string[] = [];
    for (const [name, all] of points) {
      let hits = 0;
      // Another time some calls are fewer; its first is there all the same.
      for (const point of [...spread(all), ...all.slice(0, 1), ...all.slice(0, 1)]) {
        if (hits > 0 && point === all[0] && all.length > 1) continue;
        const recovery = await cutOff(sweep, point);
        if (recovery === undefined) continue;
        longest = Math.max(longest, recovery);
        hits++;
      }
      if (hits === 0) never.push(name);
      count += hits;
    }
    expect(never).toEqual([]);
    const total = [...points.values()].reduce((sum, all) => sum + all.length, 0);
    tell({
      fault: `kill -9: daemon at ${count} of ${total} writing calls of ${sweep.fault}`,
      recovery: longest,
      note: `${points.size} kinds: ${[...points.keys()].sort().join(" ")}`,
    });
  },
  7_200_000,
);

test.skipIf(canTrace)("there is no sweep without strace", () => {
  tell({
    fault: "kill -9: daemon at every write",
    note: "skipped: strace is not there or may not trace",
  });
  expect(process.env.IKIGAI_FAULTS_TABLE, "strace is needed, and may trace").toBeUndefined();
});
