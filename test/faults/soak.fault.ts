import { readdirSync, readFileSync } from "node:fs";
import { afterAll, beforeAll, expect, test } from "vitest";
import { makePatient, type Patient } from "./support/patient.ts";
import { kill } from "./support/processes.ts";
import { tell } from "./support/table.ts";

/** 30 is the long form. */
const MINUTES = Number(process.env.SOAK_MINUTES ?? 1.25);
const SEED = Number(process.env.SOAK_SEED ?? 1);

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

function usage(): { memory: number; descriptors: number } {
  const [daemon] = patient.cast().daemon;
  const status = readFileSync(`/proc/${daemon?.pid}/status`, "utf8");
  return {
    memory: Number(/VmRSS:\s+(\d+)/.exec(status)?.[1]) / 1024,
    descriptors: readdirSync(`/proc/${daemon?.pid}/fd`).length,
  };
}

test("random operations and random kills end with everything in line", async () => {
  const { project } = patient;
  const roll = dice(SEED);
  const end = Date.now() + MINUTES * 60_000;
  const extra = new Set<string>();
  let operations = 0;
  let kills = 0;
  while (Date.now() < end) {
    const pick = roll(100);
    const name = `s${roll(8)}`;
    if (pick < 25 && !extra.has(name)) {
      await project.run("git", [
        "worktree",
        "add",
        "-q",
        "-B",
        name,
        project.worktree(name),
        "main",
      ]);
      extra.add(name);
    } else if (pick < 40 && extra.has(name)) {
      await project.run("git", ["worktree", "remove", "--force", project.worktree(name)]);
      extra.delete(name);
    } else if (pick < 65) {
      const [any = "main"] = [...extra, "main", "rel-05"].slice(roll(extra.size + 2));
      await project.http(`/${any}/api/x`, { timeout: 20_000 }).catch(() => {});
    } else if (pick < 75) {
      await project.ikigai("wt", "list");
    } else if (pick < 78) {
      await project.run("git", ["commit", "-q", "--allow-empty", "-m", "x"], { cwd: "rel-05" });
    } else {
      const { all } = patient.cast();
      const victim = all[roll(all.length)];
      if (victim && kill(victim)) kills++;
    }
    operations++;
  }
  // What was killed last may have been the daemon and runsvdir, one after the other.
  const begin = performance.now();
  expect((await project.ikigai("start")).exitCode).toBe(0);
  for (const name of extra) patient.worktrees.add(name);
  await patient.recovers(60_000);
  const recovery = performance.now() - begin;
  const before = usage();
  for (let i = 0; i < 60; i++) {
    await project.http(`/rel-05/api/${i}`);
    if (i % 10 === 0) await project.ikigai("wt", "list");
  }
  for (let i = 0; i < 6; i++) {
    const path = project.worktree("flat");
    await project.git(".", "worktree", "add", "-q", "-B", "flat", path, "main");
    await project.git(".", "worktree", "remove", "--force", path);
  }
  await patient.recovers();
  const after = usage();
  expect(after.descriptors).toBeLessThanOrEqual(before.descriptors + 10);
  expect(after.memory).toBeLessThan(before.memory + 40);
  tell({
    fault: `soak: ${operations} operations, ${kills} kills, ${MINUTES} min`,
    recovery,
    note: `${before.memory.toFixed(0)} → ${after.memory.toFixed(0)} MB, ${before.descriptors} → ${after.descriptors} descriptors`,
  });
}, 3_600_000);
