import { existsSync, rmSync } from "node:fs";
import { join } from "node:path";
import { afterAll, beforeAll, expect, test } from "vitest";
import { waitFor } from "../support/wait.ts";
import { filesLeft, schemaOf } from "./support/leftovers.ts";
import { makePatient, type Patient } from "./support/patient.ts";
import { readProcess } from "./support/processes.ts";
import { canTrace, killedAt, type Point, writesDuring } from "./support/strace.ts";
import { tell } from "./support/table.ts";

/** Only every n-th call of each name; 1 is the complete sweep. */
const STEP = Number(process.env.SWEEP_STEP ?? 12);

let patient: Patient;
let made = 0;

beforeAll(async () => {
  if (!canTrace) return;
  // Every branch copies all rows: few enough for hundreds of branches.
  patient = await makePatient({
    pace: 200,
    files: { "frontend/index.html": "<p>Hello</p>", "frontend/main.js": "" },
  });
});
afterAll(() => patient?.[Symbol.asyncDispose]());

/** A provisioning, up to the first answer; the daemon gets no other request. */
async function add(name: string): Promise<void> {
  await patient.add(name);
  await patient.project.http(`/${name}/api/x`, { timeout: 20_000 }).catch(() => {});
}

/** A removal, while the daemon that began it lives. */
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

/** Selects by step, always the first and the last, and at least one. */
function spread(points: readonly Point[]): Point[] {
  const count = Math.max(1, Math.ceil(points.length / STEP));
  const at = (i: number) => points[Math.round((i * (points.length - 1)) / Math.max(1, count - 1))];
  return Array.from({ length: count }, (_, i) => at(i)).filter((point) => point !== undefined);
}

/** The operation to interrupt, and the conditions that must hold afterwards. */
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

/** The result after all kills. */
interface Result {
  count: number;
  longest: number;
  /** What did not recover, and after which kill. */
  readonly failures: string[];
}

/** Returns whether that call was reached. */
async function cutOff(sweep: Sweep, point: Point, result: Result): Promise<boolean> {
  const name = `cut-${++made}`;
  await sweep.before(name);
  await patient.recovers();
  const daemon = await waitFor(() => patient.cast().daemon[0]);
  const isOver = () => readProcess(daemon.pid)?.started !== daemon.started;
  await killedAt(daemon.pid, point, () => sweep.hurt(name, isOver));
  const hit = isOver();
  try {
    const recovery = await patient.recovers();
    if (hit) result.longest = Math.max(result.longest, recovery);
  } catch (error) {
    const found = error instanceof Error ? error.message : String(error);
    result.failures.push(`killed at ${point.name} ${point.n} (${name}): ${found}`);
    // Each is reported once, and the next kill starts from a consistent project.
    const { project, worktrees } = patient;
    for (const path of filesLeft(project.root, worktrees)) {
      rmSync(join(project.root, ".ikigai", path), { recursive: true });
    }
    await patient.recovers(40_000);
  }
  await sweep.after(name);
  if (hit) result.count++;
  return hit;
}

test.skipIf(!canTrace).each(sweeps)(
  "a daemon killed at any writing call of $fault completes it after a restart",
  async (sweep) => {
    const first = `cut-${++made}`;
    await sweep.before(first);
    await patient.recovers(40_000);
    const { pid } = await waitFor(() => patient.cast().daemon[0]);
    const points = await writesDuring(pid, () => sweep.hurt(first, () => false));
    await patient.recovers();
    await sweep.after(first);
    console.log([...points].map(([name, all]) => `${name} ${all.length}`).join(", "));
    const result: Result = { count: 0, longest: 0, failures: [] };
    const never: string[] = [];
    for (const [name, all] of points) {
      const [least] = all;
      let isHit = false;
      for (const point of spread(all)) isHit = (await cutOff(sweep, point, result)) || isHit;
      // Another run may have fewer calls; the first always happens.
      for (let tries = 0; least && !isHit && tries < 3; tries++) {
        isHit = await cutOff(sweep, least, result);
      }
      if (!isHit) never.push(name);
    }
    const total = [...points.values()].reduce((sum, all) => sum + all.length, 0);
    tell({
      fault: `kill -9: daemon at ${result.count} of ${total} writing calls of ${sweep.fault}`,
      recovery: result.longest,
      note: `${points.size} kinds: ${[...points.keys()].sort().join(" ")}`,
      ...(result.failures.length > 0 ? { left: `after ${result.failures.length} of them` } : {}),
    });
    expect(result.failures).toEqual([]);
    expect(never).toEqual([]);
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
