import { readFileSync } from "node:fs";
import { expect, it } from "vitest";
import { asMarkdown } from "../../bench/harness/report.ts";

const page = readFileSync(new URL("../../docs/figures.md", import.meta.url), "utf8");

it("keeps hand-written parts when the figures are rewritten", () => {
  const machine = {
    cores: 2,
    processor: "p",
    memory: 8,
    system: "s",
    loadBefore: 0,
    versions: { Node: "20" },
  };
  const run = { at: "2026-01-01T00:00:00Z", machine, results: [] };
  const [by] = /<!-- by hand -->[\s\S]*<!-- end -->/.exec(page) ?? [];
  expect(by).toContain("What is missed, and why:");
  const once = asMarkdown(run, page);
  expect(once).toContain(by);
  expect(asMarkdown(run, once)).toBe(once);
});
