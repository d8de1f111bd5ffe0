import { mkdirSync } from "node:fs";
import { join } from "node:path";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import type { WorktreeReport } from "../../src/model/reports.ts";
import { isSlug } from "../../src/model/slug.ts";
import { startProject } from "../lifecycle/support.ts";
import type { TestProject } from "../support/project.ts";

const long = "x".repeat(69);
/** Any name that git accepts for a directory and, where possible, for a branch. */
const NAMES = [
  "O'Brien",
  'say "hi"',
  "$(touch pwned)",
  "`id`",
  "a;b&c|d",
  "{a,b}",
  "with space",
  "new\nline",
  "🚀",
  "\u202egnp.exe",
  "esc\u001b[31m",
  "-dash",
  "%2e%2e",
  "a_b",
  "a-b",
  "A-B",
  "a.b",
  `${long}1`,
  `${long}2`,
  "é".repeat(100),
  "nginx.conf;",
  "wt'; DROP SCHEMA wt_main; --",
];

let project: TestProject;

beforeAll(async () => {
  project = await startProject();
  for (const [i, name] of NAMES.entries()) {
    await project.git(
      ".",
      "worktree",
      "add",
      "--quiet",
      "-b",
      `b${i}`,
      join("trees", String(i), name),
    );
  }
  // Node cannot pass these bytes as an argument, so a shell makes them.
  const bytes = "caf$(printf '\\351\\377')";
  await project.run("sh", ["-c", `git worktree add --quiet -b latin "trees/${bytes}"`]);
  const branch = "$(id>pwned);'\"{}🚀\u202e";
  await project.git(".", "worktree", "add", "--quiet", "-b", branch, "odd-branch");
}, 120_000);
afterAll(async () => {
  expect(await project.dispose()).toEqual([]);
});

async function reports(): Promise<WorktreeReport[]> {
  const { stdout } = await project.ikigai("wt", "list", "--json");
  return JSON.parse(stdout).worktrees;
}

describe("worktrees of any name", () => {
  it("get slugs, schemas and addresses, all different, and are ready", async () => {
    const all = await reports();
    expect(all).toHaveLength(NAMES.length + 3);
    expect(all.filter(({ state }) => state !== "ready")).toEqual([]);
    for (const key of ["slug", "schema", "url"] as const) {
      expect(new Set(all.map((report) => report[key])).size).toBe(all.length);
    }
    expect(all.every(({ slug }) => isSlug(slug))).toBe(true);
    expect(all.map(({ slug }) => slug)).toEqual(expect.arrayContaining(["a-b", "odd-branch"]));
  });

  it("are served, each with its own frontend and backend", async () => {
    const all = await reports();
    for (const { slug, path } of all.filter((_, i) => i % 4 === 0)) {
      expect((await project.http(`/${slug}/frontend/`)).status).toBe(200);
      const answer = (await project.http(`/${slug}/api/`)).json<{
        worktree: string;
        cwd: string;
      }>();
      expect(answer.worktree).toBe(slug);
      expect(answer.cwd).toBe(join(path, "backend"));
    }
  });

  it("run nothing and leave no files: their names are data", async () => {
    const { stdout } = await project.run("find", [project.root, "-name", "pwned"]);
    expect(stdout).toBe("");
    expect((await project.run(".ikigai/bin/psql", ["-Atc", "SELECT 1"])).stdout).toBe("1");
  });

  it("are printed without control characters by all commands", async () => {
    for (const args of [
      ["wt", "list"],
      ["status"],
      ["wt", "show", "odd-branch"],
      ["doctor"],
      ["wt", "prune", "--merged"],
    ]) {
      const { stdout, stderr } = await project.ikigai(...args);
      expect(`${stdout}${stderr}`).not.toMatch(/[^\n\P{Cc}]|[\u202a-\u202e\u2066-\u2069\u{fffd}]/u);
    }
  });

  it("are shown by their slug when named by path", async () => {
    const [one] = (await reports()).filter(({ path }) => path.endsWith("with space"));
    const { stdout } = await project.run(
      process.execPath,
      [new URL("../../dist/cli.cjs", import.meta.url).pathname, "wt", "show", "--json"],
      { cwd: one?.path ?? "" },
    );
    expect(JSON.parse(stdout).slug).toBe(one?.slug);
  });
});

describe("a project so deep that no socket's address reaches into it", () => {
  it("works", async () => {
    const deep = join(project.root, "..", "d".repeat(120), "e".repeat(120));
    mkdirSync(deep, { recursive: true });
    await project.ikigai("stop");
    await project.run("git", ["clone", "--quiet", join(project.root, ".git"), "p"], { cwd: deep });
    const root = join(deep, "p");
    await project.run("cp", [join(project.root, ".ikigairc.json"), root]);
    const cli = new URL("../../dist/cli.cjs", import.meta.url).pathname;
    const here = (...args: string[]) =>
      project.run(process.execPath, [cli, ...args], { cwd: root });
    const { exitCode, stderr } = await here("start");
    expect({ exitCode, stderr }).toMatchObject({ exitCode: 0 });
    await project.run("git", ["worktree", "add", "--quiet", "-b", "x", "x".repeat(40)], {
      cwd: root,
    });
    const answer = await project.http(`/${"x".repeat(40)}/api/`);
    expect(answer.json()).toMatchObject({ worktree: "x".repeat(40) });
    expect((await here("uninstall", "--purge", "--yes")).exitCode).toBe(0);
  });
});
