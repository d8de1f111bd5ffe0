import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { formatDuration, parseDuration } from "../../src/model/duration.ts";
import { formatSize, parseSize } from "../../src/model/size.ts";

describe("durations", () => {
  it.each([
    ["500ms", 500],
    ["15m", 900_000],
    ["1h30m", 5_400_000],
    ["14 d", 1_209_600_000],
    ["2W", 1_209_600_000],
    ["0.5s", 500],
    ["90", 90_000],
    [90, 90_000],
    [0, 0],
  ])("reads %j", (text, milliseconds) => {
    expect(parseDuration(text)).toBe(milliseconds);
  });

  it.each(["", "m", "-5m", "5 minutes", "1e3s", "5m later", "0x10", "٣s", Number.NaN, -1, 1e300])(
    "refuses %j",
    (text) => {
      expect(parseDuration(text)).toBeUndefined();
    },
  );

  it("reads back what it writes", () => {
    fc.assert(
      fc.property(fc.nat({ max: 2 ** 31 }), (ms) => parseDuration(formatDuration(ms)) === ms),
    );
  });
});

describe("sizes", () => {
  it.each([
    ["512MB", 512 * 1024 ** 2],
    ["1.5 GiB", 1.5 * 1024 ** 3],
    ["64k", 65_536],
    ["1024", 1024],
    [7, 7],
  ])("reads %j", (text, bytes) => {
    expect(parseSize(text)).toBe(bytes);
  });

  it.each(["", "MB", "12 XB", "-1MB", "1e3", 1e300, -1])("refuses %j", (text) => {
    expect(parseSize(text)).toBeUndefined();
  });

  it("writes the largest unit that fits", () => {
    expect([0, 1023, 1024, 512 * 1024 ** 2, 1.5 * 1024 ** 3].map(formatSize)).toEqual([
      "0B",
      "1023B",
      "1KB",
      "512MB",
      "1.5GB",
    ]);
  });
});
