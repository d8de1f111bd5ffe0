import Table from "cli-table3";
import fc from "fast-check";
import pc from "picocolors";
import { describe, expect, it } from "vitest";
import { plainTable } from "../../src/cli/output/table.ts";

const colours = pc.createColors(true);
const plain = pc.createColors(false);

/** The same columns drawn by a table library. */
function drawn(head: readonly string[], rows: readonly (readonly string[])[]): string {
  const places = ["top", "bottom", "left", "right"].flatMap((side) => [
    side,
    `${side}-mid`,
    `${side}-left`,
    `${side}-right`,
  ]);
  const none = Object.fromEntries([...places, "mid", "mid-mid"].map((name) => [name, ""]));
  const table = new Table({
    head: head.map((name) => colours.dim(name)),
    chars: { ...none, middle: "  " },
    style: { "padding-left": 0, "padding-right": 0, head: [], border: [] },
  });
  table.push(...rows.map((row) => [...row]));
  return table
    .toString()
    .split("\n")
    .map((line) => `  ${line.trimEnd()}`)
    .join("\n");
}

describe("a plain table", () => {
  it("equals what a library draws, coloured or not", () => {
    const word = fc.string({
      minLength: 1,
      maxLength: 12,
      unit: fc.constantFrom(..."abc-/09é日本한"),
    });
    const cell = fc.oneof(word, word.map(colours.red), word.map(colours.dim));
    const rows = fc.array(fc.tuple(cell, cell, cell), { minLength: 1, maxLength: 6 });
    fc.assert(
      fc.property(rows, (cells) => {
        const head = ["ONE", "TWO", "THREE"];
        expect(plainTable(head, cells, colours)).toBe(drawn(head, cells));
      }),
    );
  });

  it("has no trailing spaces and omits no column", () => {
    const text = plainTable(
      ["A", "B"],
      [
        ["long one", ""],
        ["", "x"],
      ],
      plain,
    );
    expect(text.split("\n")).toEqual(["  A         B", "  long one", "            x"]);
  });

  it.each(["日本", "e\u0301te\u0301", "🚀", colours.green("plain")])(
    "knows how wide %j is",
    (text) => {
      const rows = [[text, "next"]];
      expect(plainTable(["A", "B"], rows, colours)).toBe(drawn(["A", "B"], rows));
    },
  );
});
