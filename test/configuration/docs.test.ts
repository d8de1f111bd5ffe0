import { readFileSync } from "node:fs";
import { expect, it } from "vitest";
import {
  configurationPage,
  configurationSchemaFile,
} from "../../src/model/configuration/documentation.ts";

const read = (name: string) => readFileSync(new URL(`../../docs/${name}`, import.meta.url), "utf8");
/** Removes the padding that the formatter gives to table columns. */
const plain = (text: string) => text.replace(/ +/g, " ").replace(/-{3,}/g, "---");
const command = "out of date; type: node scripts/configuration-docs.js";

it("documents exactly what the schema says", () => {
  expect(plain(read("configuration.md")), command).toBe(plain(configurationPage()));
});

it("offers editors the same schema", () => {
  const file: unknown = JSON.parse(read("configuration.schema.json"));
  expect(file, command).toEqual(JSON.parse(configurationSchemaFile()));
});

it("leaves no setting without a meaning", () => {
  const rows = configurationPage()
    .split("\n")
    .filter((line) => line.startsWith("| `"));
  expect(rows.length).toBeGreaterThan(30);
  expect(rows.filter((row) => row.split(" | ")[3]?.trim() === "")).toEqual([]);
});
