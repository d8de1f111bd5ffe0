import { readFileSync } from "node:fs";
import { expect, it } from "vitest";
import { commandsPage } from "../../src/commands/commands-page.ts";
import { COMMANDS } from "../../src/commands/table-of-commands.ts";

const read = (name: string) => readFileSync(new URL(`../../${name}`, import.meta.url), "utf8");
/** Without what the formatter does to the columns of a table. */
const plain = (text: string) => text.replace(/ +/g, " ").replace(/-{3,}/g, "---");

it("documents exactly the commands that there are", () => {
  const command = "out of date; type: node scripts/configuration-docs.js";
  expect(plain(read("docs/commands.md")), command).toBe(plain(commandsPage()));
});

it("leaves out no command but those that are hidden", () => {
  const page = commandsPage();
  for (const { usage, hidden } of COMMANDS) {
    expect([usage, page.split(`| \`${usage}\` |`).length - 1]).toEqual([usage, hidden ? 0 : 1]);
  }
});

it("has README.md name every command", () => {
  const readme = read("README.md");
  for (const { usage, hidden } of COMMANDS) {
    const words = usage.split(" ").filter((word) => /^[a-z]/.test(word));
    if (!hidden) expect(readme, usage).toMatch(new RegExp(`\\b${words.at(-1)}\\b`));
  }
});

/** Every call of the daemon is described, and nothing else is. */
it("has docs/api.md name every call of the daemon", () => {
  const files = ["api", "database", "restore"].map((name) => read(`src/triggers/${name}.ts`));
  const calls = files.flatMap((text) => [...text.matchAll(/"((?:GET|POST) \/v1\/[a-z/-]+)"/g)]);
  const names = [...new Set(calls.map(([, name]) => name))].sort();
  const documented = [...read("docs/api.md").matchAll(/`((?:GET|POST) \/v1\/[a-z/-]+)/g)];
  expect([...new Set(documented.map(([, name]) => name))].sort()).toEqual(names);
});
