import { readFileSync } from "node:fs";
import { expect, it } from "vitest";
import { commandsPage } from "../../src/cli/commands-page.ts";
import { COMMANDS } from "../../src/cli/registry.ts";
import { type ApiContext, apiOf } from "../../src/daemon/api/routes.ts";

const read = (name: string) => readFileSync(new URL(`../../${name}`, import.meta.url), "utf8");
/** Removes the padding that the formatter gives to table columns. */
const plain = (text: string) => text.replace(/ +/g, " ").replace(/-{3,}/g, "---");

it("documents exactly the existing commands", () => {
  const command = "out of date; type: node scripts/configuration-docs.js";
  expect(plain(read("docs/commands.md")), command).toBe(plain(commandsPage()));
});

it("leaves out only hidden commands", () => {
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

it("has docs/api.md name every call of the daemon, with the parameters that it takes", () => {
  // The routes are only listed, never called.
  const context = { reconciler: { host: {} } } as unknown as ApiContext;
  const calls = Object.entries(apiOf(context)).map(([name, route]) => [
    name,
    [...(route?.parameters ?? [])].sort(),
  ]);
  const rows = read("docs/api.md").matchAll(/^\| `((?:GET|POST) \/v1\/[a-z/-]+)` *\|([^|]*)\|/gm);
  const documented = [...rows].map(([, name, parameters = ""]) => [
    name,
    [...parameters.matchAll(/`([a-z]+)`/g)].map(([, parameter]) => parameter).sort(),
  ]);
  const byName = (a: unknown[], b: unknown[]) => String(a[0]).localeCompare(String(b[0]));
  expect(documented.sort(byName)).toEqual(calls.sort(byName));
});
