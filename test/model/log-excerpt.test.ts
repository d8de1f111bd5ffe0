import { expect, it } from "vitest";
import { excerptOf } from "../../src/model/log-excerpt.ts";

const lines = (text: string) => text.replace(/^\n/, "").split("\n");

it.each([
  [
    "Node",
    `
listening soon
node:internal/modules/esm/resolve:854
  throw new ERR_MODULE_NOT_FOUND(packageName, fileURLToPath(base), null);
        ^

Error [ERR_MODULE_NOT_FOUND]: Cannot find package 'pg' imported from /main/backend/server.js
    at packageResolve (node:internal/modules/esm/resolve:854:9)
    at moduleResolve (node:internal/modules/esm/resolve:927:18) {
  code: 'ERR_MODULE_NOT_FOUND'
}

Node.js v20.20.2`,
    /^Error \[ERR_MODULE_NOT_FOUND\]: Cannot find package 'pg'/,
  ],
  [
    "Deno",
    `
error: Uncaught (in promise) TypeError: x is not a function
    at file:///main/backend/main.ts:1:1`,
    /^error: Uncaught .in promise. TypeError/,
  ],
  [
    "Go",
    "2026/11/30 starting\npanic: no database\n\ngoroutine 1 [running]:\nmain.main()",
    /^panic/,
  ],
  [
    "Ruby",
    "server.rb:1:in `<main>': boom (RuntimeError)\n\tfrom server.rb:2",
    /^server\.rb:1:in .*RuntimeError/,
  ],
  ["a shell", "> dev\n> vite\n\nsh: 1: vite: not found", /^sh: 1: vite: not found$/],
])("begins with the error of %s", (_, text, first) => {
  expect(excerptOf(lines(text))[0]).toMatch(first);
  expect(excerptOf(lines(text)).length).toBeLessThanOrEqual(3);
});

it("ends with the error of a Python traceback", () => {
  const text = `Traceback (most recent call last):
  File "main.py", line 1, in <module>
    import flask
ModuleNotFoundError: No module named 'flask'`;
  expect(excerptOf(lines(text)).at(-1)).toBe("ModuleNotFoundError: No module named 'flask'");
});

it("is the last lines with content if none names an error", () => {
  expect(excerptOf(["one", "two", "three", "bye", "}", "", "Node.js v20.20.2"])).toEqual([
    "two",
    "three",
    "bye",
  ]);
  expect(excerptOf(["}"])).toEqual(["}"]);
  expect(excerptOf([])).toEqual([]);
});
