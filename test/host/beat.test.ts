import { expect, test } from "vitest";
import { onBeat } from "../../src/host/beat.ts";

const run = (milliseconds: number, told: (at: string) => void, name: string) =>
  onBeat(milliseconds, () => told(name));

test("what is due at about the same time is done in one waking, and the rest later", async () => {
  const told: string[] = [];
  await new Promise<void>((resolve) => {
    run(100, (name) => told.push(name), "soon");
    setTimeout(() => run(50, (name) => told.push(name), "a little later"), 20);
    run(1_600, resolve, "later");
    run(700, () => void setImmediate(() => told.push("after the others")), "second");
  });
  expect(told.slice(0, 2).sort()).toEqual(["a little later", "soon"]);
  expect(told.slice(2)).toEqual(["after the others"]);
});

test("what was given up is not done, also by another of the same beat", async () => {
  const told: string[] = [];
  let giveUp = () => {};
  await new Promise<void>((resolve) => {
    run(100, () => giveUp(), "first");
    giveUp = run(100, (name) => told.push(name), "given up");
    run(1_100, resolve, "end");
  });
  expect(told).toEqual([]);
});
