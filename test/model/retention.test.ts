import fc from "fast-check";
import { describe, expect, it } from "vitest";
import {
  expiries,
  followRetention,
  goesSoon,
  type KeptRetention,
  type Retention,
} from "../../src/model/retention.ts";

const DAY = 86_400_000;
const at = (days: number) => new Date(Date.UTC(2026, 0, 1) + days * DAY);
const aside = (schema: string, days: number) => ({ schema, retired: at(days) });

describe("retention", () => {
  it("lets data expire after its age", () => {
    const [newer, older] = expiries([aside("a", 0), aside("b", 3)], { age: 14 * DAY, count: 50 });
    expect(older).toMatchObject({ schema: "a", goes: at(14) });
    expect(newer).toMatchObject({ schema: "b", goes: at(17) });
  });

  it("keeps one above the count for a day, so that it can be announced", () => {
    const all = expiries([aside("a", 0), aside("b", 1), aside("c", 2)], {
      age: 90 * DAY,
      count: 2,
    });
    expect(all.find(({ schema }) => schema === "a")?.goes).toEqual(at(3));
    expect(all.find(({ schema }) => schema === "b")?.goes).toEqual(at(91));
  });

  it("keeps nothing for longer than a day if the count is 0", () => {
    expect(expiries([aside("a", 5)], { age: 90 * DAY, count: 0 })[0]?.goes).toEqual(at(6));
  });

  it("lets nothing expire within a day, unless the age is shorter", () => {
    const any = fc.array(fc.integer({ min: 0, max: 100 }), { maxLength: 20 });
    fc.assert(
      fc.property(
        any,
        fc.integer({ min: 0, max: 5 }),
        fc.integer({ min: 1, max: 30 }),
        (days, count, age) => {
          const all = expiries(
            days.map((d, i) => aside(`s${i}`, d)),
            { age: age * DAY, count },
          );
          const kept = all.filter(({ goes }) => goes > at(200));
          expect(kept).toEqual([]);
          for (const { retired, goes } of all) {
            expect(goes.getTime() - retired.getTime()).toBeGreaterThanOrEqual(DAY);
            expect(goes.getTime() - retired.getTime()).toBeLessThanOrEqual(age * DAY);
          }
        },
      ),
    );
  });

  it("announces within a day", () => {
    expect(goesSoon(at(10), at(9))).toBe(true);
    expect(goesSoon(at(10), at(8))).toBe(false);
  });

  it("takes a longer retention at once, and a shorter one after a day", () => {
    const kept: KeptRetention = { age: 14 * DAY, count: 50, earlier: [] };
    const longer = followRetention(kept, { age: 90 * DAY, count: 50 }, kept, 0);
    expect(longer).toEqual({ age: 90 * DAY, count: 50, earlier: [] });
    const now = at(30).getTime();
    const shorter = followRetention(longer, { age: 14 * DAY, count: 50 }, kept, now);
    const old = [aside("a", 0)];
    expect(expiries(old, longer)[0]?.goes).toEqual(at(90));
    expect(expiries(old, shorter)[0]?.goes).toEqual(at(31));
    expect(followRetention(shorter, shorter, kept, at(31).getTime()).earlier).toEqual([]);
  });

  it("does not change while the settings cannot be read", () => {
    const kept: KeptRetention = { age: 90 * DAY, count: 9, earlier: [] };
    const fallback = { age: DAY, count: 1 };
    expect(followRetention(kept, undefined, fallback, 0)).toEqual(kept);
    expect(followRetention(null, undefined, fallback, 0)).toEqual({ ...fallback, earlier: [] });
    expect(followRetention(null, kept, fallback, 0)).toEqual(kept);
    // The retention before is unknown.
    const found = followRetention(undefined, fallback, fallback, at(400).getTime());
    expect(expiries([aside("a", 0)], found)[0]?.goes).toEqual(at(401));
  });

  it("lets nothing expire within a day of a change, whatever the change", () => {
    const retention = fc.record({
      age: fc.integer({ min: 1, max: 40 }).map((days) => days * DAY),
      count: fc.integer({ min: 0, max: 3 }),
    });
    const days = fc.array(fc.integer({ min: 0, max: 20 }), { minLength: 1, maxLength: 6 });
    const changes = fc.array(fc.tuple(retention, fc.integer({ min: 0, max: 30 })), {
      minLength: 1,
      maxLength: 5,
    });
    fc.assert(
      fc.property(retention, days, changes, (first: Retention, retired, later) => {
        const asides = retired.map((day, i) => aside(`s${i}`, day));
        let kept: KeptRetention = { ...first, earlier: [] };
        let now = 20 * DAY;
        for (const [given, hours] of later) {
          now += (hours * DAY) / 24;
          const before = expiries(asides, kept);
          kept = followRetention(kept, given, first, at(now / DAY).getTime());
          for (const { schema, goes } of expiries(asides, kept)) {
            const was = before.find((one) => one.schema === schema)?.goes ?? goes;
            const least = Math.min(was.getTime(), at(now / DAY + 1).getTime());
            // Expired data stays expired.
            if (least > at(now / DAY).getTime())
              expect(goes.getTime()).toBeGreaterThanOrEqual(least);
          }
        }
      }),
    );
  });
});
