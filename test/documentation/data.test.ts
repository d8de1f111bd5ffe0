import { readdirSync, readFileSync } from "node:fs";
import { join } from "node:path";
import { expect, test } from "vitest";

const root = new URL("../..", import.meta.url).pathname;
const page = readFileSync(join(root, "docs/data.md"), "utf8");

const STATEMENT =
  /\b(DROP (SCHEMA|TABLE|ROLE|OWNED|VIEW|DATABASE|MATERIALIZED|TYPE|FUNCTION)|TRUNCATE (TABLE|ONLY)|REASSIGN OWNED|DELETE FROM|RENAME TO|UPDATE pg_catalog|UPDATE \$\{REGISTRY)/;
const FILE =
  /\b(rmSync|rmdirSync|unlinkSync|renameSync|truncateSync|ftruncateSync)\(|"cp"|\brm -r?f|\bmv -f|^\s*rmdir /;
/** Lines in which a statement is only text: a comment, or a command for the user. */
const WORDS = /^\s*(\/?\*|\/\/|#)|next: `?"?psql|Rename it: |cannot be moved: /;

function sourcesOf(directory: string): string[] {
  return readdirSync(join(root, directory), { withFileTypes: true }).flatMap((entry) => {
    const path = `${directory}/${entry.name}`;
    return entry.isDirectory() ? sourcesOf(path) : [path];
  });
}

/** Counts by path how many lines of a source match. */
function linesWith(pattern: RegExp): Map<string, number> {
  const found = new Map<string, number>();
  for (const path of ["src", "controls", "hooks"].flatMap(sourcesOf)) {
    const lines = readFileSync(join(root, path), "utf8").split("\n");
    const count = lines.filter((line) => pattern.test(line) && !WORDS.test(line)).length;
    if (count > 0) found.set(path, count);
  }
  return found;
}

test("docs/data.md names every statement that can drop, rename or overwrite data, and no other", () => {
  const rows = [...page.matchAll(/^\| `([^`]+)` +\| (\d+) +\|/gm)];
  const told = new Map(rows.map(([, path = "", count]) => [path, Number(count)]));
  expect(Object.fromEntries(linesWith(STATEMENT))).toEqual(Object.fromEntries(told));
});

test("docs/data.md names every source that removes, replaces or cuts files, and no other", () => {
  const [, files = ""] = page.split("## Files");
  const told = [...files.matchAll(/`((?:src|controls|hooks)\/[^`]+)`/g)].map(([, path]) => path);
  expect([...linesWith(FILE).keys()].sort()).toEqual([...told].sort());
});

test("every test that docs/data.md names is there", () => {
  for (const [, path = ""] of page.matchAll(/`(test\/[^`]+\.test\.ts)`/g)) {
    expect(() => readFileSync(join(root, path)), path).not.toThrow();
  }
});
