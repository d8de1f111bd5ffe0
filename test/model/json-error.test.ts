import fc from "fast-check";
import { expect, it } from "vitest";
import { jsonError } from "../../src/model/json-error.ts";

it.each([
  ['{"http":{"port":18388},}', "1:23 a trailing comma is not allowed in JSON"],
  ['{\n  "a": [1,\n  2,]\n}', "3:4 a trailing comma is not allowed in JSON"],
  ["{", "1:2 unexpected end"],
  ['{"a": x}', "1:7 a value is missing or invalid"],
  ['{"a" 1}', "1:6 a colon is missing"],
  ["{'a': 1}", "1:2 strings need double quotes"],
  ["{a: 1}", "1:2 a key in double quotes is missing"],
  ['{"a": 1 "b": 2}', "1:9 a comma or } is missing"],
  ['{"a": 1} // x', "1:10 unexpected text after the end"],
  ['// x\n{"a": 1}', "1:1 comments are not allowed in JSON"],
  ['{"a": "x\n"}', "1:7 a string is not closed, or contains an unescaped character"],
  ["[".repeat(200_000), "1:1 it is nested too deeply"],
])("says of %j where and why", (text, said) => {
  const { line, column, reason } = jsonError(text) ?? {};
  expect(`${line}:${column} ${reason}`).toBe(said);
});

it("finds one exactly where the parser does", () => {
  const near = fc.tuple(
    fc.json(),
    fc.nat(),
    fc.constantFrom("", ",", "}", '"', "]", "1", " ", ":"),
  );
  fc.assert(
    fc.property(near, ([json, place, put]) => {
      const at = place % (json.length + 1);
      const text = json.slice(0, at) + put + json.slice(at + 1);
      let parses = true;
      try {
        JSON.parse(text);
      } catch {
        parses = false;
      }
      expect(jsonError(text) === undefined, text).toBe(parses);
    }),
  );
});
