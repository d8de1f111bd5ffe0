import { readFileSync } from "node:fs";
import { writeFile } from "node:fs/promises";
import { join } from "node:path";
import { afterAll, beforeAll, expect, test } from "vitest";
import { show, until } from "../database/support.ts";
import { makeProject, type TestProject } from "../support/project.ts";
import { waitFor } from "../support/wait.ts";

let project: TestProject;

/** What a branch's own file holds, and how that is told. */
const FILES: Record<string, [string, RegExp]> = {
  broken: ["{", /\.ikigairc\.json cannot be read: \S/],
  wrong: ['{"services":{"web":{"start":"now"}}}', /\.ikigairc\.json: services\.web\.start /],
};

beforeAll(async () => {
  project = await makeProject();
  for (const [name, [text]] of Object.entries(FILES)) {
    await project.git("main", "switch", "-q", "-c", name);
    await writeFile(join(project.worktree("main"), ".ikigairc.json"), text);
    await project.git("main", "add", "-A");
    await project.git("main", "commit", "-q", "-m", name);
    await project.git("main", "switch", "-q", "main");
  }
  const started = await project.ikigai("start");
  expect(started.exitCode, started.stderr).toBe(0);
});
afterAll(() => project?.[Symbol.asyncDispose]());

test.each(Object.entries(FILES))(
  "a branch whose settings are %s says so by file and key",
  async (name, [, told]) => {
    await project.git("main", "worktree", "add", "-q", project.worktree(name), name);
    expect((await until(project, name, "problem")).problems.join()).toMatch(told);
    const list = async () =>
      (await project.ikigai("wt", "list")).stdout
        .split("\n")
        .find((line) => line.startsWith(`  ${name} `));
    expect(await list()).toMatch(told);
    expect((await project.ikigai("wt", "show", name)).stdout).toMatch(told);
    const log = () => readFileSync(join(project.root, ".ikigai/logs/daemon/current"), "utf8");
    const lines = () =>
      log()
        .split("\n")
        .filter((line) => line.includes(`settings of ${name}: `));
    await waitFor(() => lines().length > 0);
    expect(lines().join()).toMatch(told);
    const started = await project.ikigai("start");
    expect([started.exitCode, started.stderr]).toEqual([1, expect.stringMatching(told)]);
    // However often it is looked at.
    expect(lines()).toHaveLength(1);
    await project.ikigai("stop");
    expect(await list()).toMatch(told);
    await project.ikigai("start");
    await project.git(name, "rm", "-q", "-f", ".ikigairc.json");
    await project.git(name, "commit", "-q", "-m", "mended");
    await until(project, name, "ready");
    expect((await show(project, name)).problems).toEqual([]);
  },
);
