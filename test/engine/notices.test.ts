import pc from "picocolors";
import { expect, it } from "vitest";
import { noticesText } from "../../src/cli/output/notices.ts";
import type { ServiceReport, WorktreeReport } from "../../src/model/reports.ts";

const plain = pc.createColors(false);
const service: ServiceReport = {
  name: "admin",
  slug: "admin",
  state: "held",
  start: "on-demand",
  url: "http://localhost/cart/admin",
  why: "services.admin.command has not been approved",
  held: true,
};
const worktree = (slug: string, more: Partial<WorktreeReport> = {}): WorktreeReport => ({
  name: slug,
  slug,
  branch: slug,
  path: `/${slug}`,
  default: false,
  main: false,
  locked: null,
  state: "ready",
  schema: `wt_${slug}`,
  url: `http://localhost/${slug}`,
  services: [],
  problems: [],
  warnings: [],
  ...more,
});
const text = (worktrees: WorktreeReport[], problems: string[] = []) =>
  noticesText({ worktrees, problems }, plain);

it("is empty where all is well, and omits mere notes", () => {
  expect(text([worktree("cart"), worktree("main", { problems: ["a note"] })])).toBe("");
});

it("says what needs approval, and what to run", () => {
  const cart = worktree("cart", { services: [service, { ...service, name: "b", slug: "b" }] });
  expect(text([cart]).split("\n")).toEqual([
    "",
    "  cart: services.admin.command has not been approved",
    "  next: ikigai trust cart",
    "",
  ]);
});

it("reports errors in the settings first, and once", () => {
  const broken = worktree("main", {
    state: "problem",
    problems: [".ikigairc.json:1:2 x", "other"],
  });
  expect(text([broken], [".ikigairc.json:1:2 x"]).split("\n")).toEqual([
    "",
    "  settings: .ikigairc.json:1:2 x",
    "  next: ikigai doctor",
    "  main: other",
    "",
  ]);
});

it("reports a name in the shared file only if no worktree has it", () => {
  const warnings = ["services.web has no directory here"];
  const [main, cart] = [worktree("main", { warnings }), worktree("cart", { warnings })];
  expect(text([main, cart])).toBe("\n  settings: services.web has no directory here\n");
  expect(text([main, worktree("cart")])).toBe("");
});
