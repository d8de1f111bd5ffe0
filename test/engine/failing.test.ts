import pc from "picocolors";
import { expect, it } from "vitest";
import { failingText } from "../../src/cli/output/failing-services.ts";
import type { ServiceReport, WorktreeReport } from "../../src/model/reports.ts";

const plain = pc.createColors(false);
const coloured = pc.createColors(true);

const well: ServiceReport = {
  name: "web",
  slug: "web",
  state: "running",
  start: "always",
  url: "http://localhost/main/web",
};
const failing = (log: readonly string[]): ServiceReport => ({
  ...well,
  name: "backend",
  slug: "backend",
  state: "crashed",
  why: "it failed 3 times in a row (exit code 1)",
  log,
});
const worktree = (...services: ServiceReport[]): WorktreeReport => ({
  name: "main",
  slug: "main",
  branch: "main",
  path: "/main",
  default: true,
  main: false,
  locked: null,
  state: "ready",
  schema: "wt_main",
  url: "http://localhost/main",
  services,
  problems: [],
  warnings: [],
});

it("says why a service fails, what it wrote last, and what to run", () => {
  expect(failingText([worktree(well, failing(["one", "\ttwo"]))], plain).split("\n")).toEqual([
    "",
    "  main/backend: it failed 3 times in a row (exit code 1)",
    "    one",
    "      two",
    "  next: ikigai logs main/backend",
    "",
  ]);
  expect(failingText([worktree(failing(["one"]))], coloured)).toContain(
    `    ${coloured.dim("one")}\n`,
  );
});

it("omits services that do not fail", () => {
  expect(failingText([worktree(well, { ...well, state: "held", why: "held" })], plain)).toBe("");
});

it("lets no line of a log move the cursor or fill the screen", () => {
  const text = failingText([worktree(failing(["\u001b[2Jx\r\u0007", "y".repeat(9_999)]))], plain);
  expect(text).toContain("    \\u{1b}[2Jx\\u{d}\\u{7}\n");
  expect(text).toContain(`    ${"y".repeat(160)}…\n`);
  expect(text).not.toContain("y".repeat(161));
});
