import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { advance, isWorthKeeping, type RetentionClock } from "../../src/model/retention-clock.ts";

const DAY = 86_400_000;
const before: RetentionClock = { boot: "a", uptime: 5_000, clock: 1_000 * DAY, at: 900 * DAY };

describe("the retention clock", () => {
  it("counts the machine's uptime, whatever the time of day", () => {
    const jump = fc.integer({ min: -30_000 * DAY, max: 30_000 * DAY });
    fc.assert(
      fc.property(fc.array(fc.tuple(jump, fc.nat({ max: DAY }))), (looks) => {
        let clock = before;
        for (const [set, passed] of looks) {
          const { uptime } = clock;
          clock = advance(clock, { boot: "a", uptime: uptime + passed, clock: set });
        }
        const passed = looks.reduce((sum, [, ms]) => sum + ms, 0);
        expect(clock.at).toBe(before.at + passed);
      }),
    );
  });

  it("begins with the time of day", () => {
    expect(advance(undefined, { boot: "a", uptime: 1, clock: 7 }).at).toBe(7);
  });

  it.each([
    ["a night", 0.5, 0.5],
    ["a holiday, or a wrong clock", 21, 1],
    ["a clock that was set back", -10_000, 0],
  ])("counts a day at most of what the machine was off for: %s", (_, days, counted) => {
    const clock = before.clock + days * DAY;
    expect(advance(before, { boot: "b", uptime: 9_000, clock }).at).toBe(before.at + counted * DAY);
    // Where boots cannot be distinguished, a shorter uptime shows a new one.
    const unnamed = advance({ ...before, boot: "" }, { boot: "", uptime: 4_000, clock });
    expect(unnamed.at).toBe(before.at + counted * DAY);
  });

  it("is written after a boot, and once an hour", () => {
    const later = (ms: number, boot = "a") =>
      isWorthKeeping(before, advance(before, { boot, uptime: 5_000 + ms, clock: 0 }));
    expect([later(60_000), later(3_600_000), later(0, "b")]).toEqual([false, true, true]);
  });
});
