import { expect, test } from "vitest";
import { setCoalescedTimeout } from "../../src/host/timers/coalesced-timeout.ts";

test("what is due at about the same time is done in one waking, and the rest later", async () => {
  const told: string[] = [];
  await new Promise<void>((resolve) => {
    setCoalescedTimeout(100, () => told.push("soon"));
    setTimeout(() => setCoalescedTimeout(50, () => told.push("a little later")), 20);
    setCoalescedTimeout(700, () => void setImmediate(() => told.push("after the others")));
    setCoalescedTimeout(1_600, () => resolve());
  });
  expect(told.slice(0, 2).sort()).toEqual(["a little later", "soon"]);
  expect(told.slice(2)).toEqual(["after the others"]);
});

test("what was given up is not done, also by another of the same beat", async () => {
  const told: string[] = [];
  let giveUp = () => {};
  await new Promise<void>((resolve) => {
    setCoalescedTimeout(100, () => giveUp());
    giveUp = setCoalescedTimeout(100, () => told.push("given up"));
    setCoalescedTimeout(1_100, () => resolve());
  });
  expect(told).toEqual([]);
});
