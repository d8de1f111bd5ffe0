import { expect, test } from "vitest";
import { formatKey } from "../../src/model/configuration/problems.ts";
import { printableColoured, printableJson, printableLines } from "../../src/model/printable.ts";

const HOSTILE = "a\u001b]0;x\u0007\u009b31m\u202e\u200b\u2028\u{e0041}\u007f\ttab\r\nline\rback";

test("readable JSON hides nothing and stays the same JSON", () => {
  const value = { [HOSTILE]: [HOSTILE, "тест", "e\u0301", "😀"] };
  const text = printableJson(value);
  expect(JSON.parse(text)).toEqual(value);
  expect(text).not.toMatch(/[\u0000-\u0009\u000b-\u001f\u007f-\u009f\p{Cf}\p{Zl}\p{Zp}]/u);
  expect(text).toContain("тест");
});

test("lines and tabs stay, and a carriage return that would write over a line does not", () => {
  expect(printableLines(HOSTILE)).toBe(
    "a\\u{1b}]0;x\\u{7}\\u{9b}31m\\u{202e}\\u{200b}\\u{2028}\\u{e0041}\\u{7f}\ttab\nline\\u{d}back",
  );
});

test("of terminal sequences only colours stay", () => {
  expect(printableColoured("\u001b[1;38:5:9mred\u001b[0m\u001b[2J\u001b[31;\u001b[m")).toBe(
    "\u001b[1;38:5:9mred\u001b[0m\\u{1b}[2J\\u{1b}[31;\u001b[m",
  );
});

test("a configuration's key is escaped, whatever range of characters it uses", () => {
  expect(formatKey(["services", "\u009b\u202ex"])).toBe('services["\\u{9b}\\u{202e}x"]');
});
