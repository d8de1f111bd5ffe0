import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { expiries, goesSoon } from "../../src/model/retention.ts";

const DAY = 86_400_000;
const at = (days: number) => new Date(Date.UTC(2026, 0, 1) + days * DAY);
const aside = (schema: string, days: number) => ({ schema, retired: at(days) });

describe("retention", () => {
  it("lets the old go after their age", () => {
    const [newer, older] = expiries([aside("a", 0), aside("b", 3)], { age: 14 * DAY, count: 50 });
    expect(older).toMatchObject({ schema: "a", goes: at(14) });
    expect(newer).toMatchObject({ schema: "b", goes: at(17) });
  });

  it("gives one that is one too many a day, so that it can be told", () => {
    const all = expiries([aside("a", 0), aside("b", 1), aside("c", 2)], {
      age: 90 * DAY,
      count: 2,
    });
    expect(all.find(({ schema }) => schema === "a")?.goes).toEqual(at(3));
    expect(all.find(({ schema }) => schema === "b")?.goes).toEqual(at(91));
  });

  it("keeps nothing for longer than a day where the number is 0", () => {
    expect(expiries([aside("a", 5)], { age: 90 * DAY, count: 0 })[0]?.goes).toEqual(at(6));
  });

  it("never lets anything go before the day that follows, unless the age is shorter", () => {
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

  it("tells within a day", () => {
    expect(goesSoon(at(10), at(9))).toBe(true);
    expect(goesSoon(at(10), at(8))).toBe(false);
  });
});
