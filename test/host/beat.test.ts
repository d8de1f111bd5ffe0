import { expect, test } from "vitest";
import { setCoalescedTimeout } from "../../src/host/timers/coalesced-timeout.ts";

test("work that is due at about the same time shares one wake-up, and the rest comes later", async () => {
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

test("cancelled work does not run, also when cancelled within the same wake-up", async () => {
  const told: string[] = [];
  let giveUp = () => {};
  await new Promise<void>((resolve) => {
    setCoalescedTimeout(100, () => giveUp());
    giveUp = setCoalescedTimeout(100, () => told.push("given up"));
    setCoalescedTimeout(1_100, () => resolve());
  });
  expect(told).toEqual([]);
});
