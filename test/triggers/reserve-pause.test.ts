import { expect, test } from "vitest";
import { ReservePause } from "../../src/daemon/jobs/reserve-pause.ts";

test("fruitless work is delayed longer each time, and not after a write", () => {
  const pause = new ReservePause();
  const lengths = Array.from({ length: 5 }, (_, i) => {
    const now = i * 1e7;
    expect(pause.holds("a", now)).toBe(false);
    pause.record("a", ["wt_main.parts"], now);
    expect(pause.holds("b", now)).toBe(false);
    let length = 0;
    while (pause.holds("a", now + length)) length += 60_000;
    return length / 60_000;
  });
  expect(lengths).toEqual([2, 4, 8, 10, 10]);
  pause.record("b", ["wt_main.parts"], 1e8);
  expect(pause.holds("b", 1e8 + 120_000)).toBe(false);
  pause.record("b", [], 1e8);
  expect(pause.holds("b", 1e8)).toBe(false);
});
