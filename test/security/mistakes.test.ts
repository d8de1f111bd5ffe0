import { readFileSync } from "node:fs";
import { readFile, rm, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { afterAll, beforeAll, expect, test } from "vitest";
import { show, until } from "../database/support.ts";
import { makeProject, type TestProject } from "../support/project.ts";
import { waitFor } from "../support/wait.ts";

let project: TestProject;

/** A branch's own file, and the report about it. */
const FILES: Record<string, [string, RegExp]> = {
  broken: [
    '{"services":{},}',
    /\.ikigairc\.json:1:15 cannot be read: a trailing comma is not allowed/,
  ],
  misspelt: [
    '{"services":{"bakend":{}}}',
    /services\.bakend has no directory .*did you mean backend\?/,
  ],
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
  "a branch's settings that are %s are reported by file and key",
  async (name, [, told]) => {
    await project.git("main", "worktree", "add", "-q", project.worktree(name), name);
    expect((await until(project, name, "problem")).problems.join()).toMatch(told);
    const list = async () =>
      (await project.ikigai("wt", "list")).stdout
        .split("\n")
        .find((line) => line.startsWith(`  ${name}: `));
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
    // After any number of reconciles.
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

test("a name without a directory does not affect other services, and doctor reports it", async () => {
  const rc = join(project.worktree("main"), ".ikigairc.json");
  await writeFile(rc, '{"services":{"backend":{"after":["databse"]},"web":{}}}');
  await until(project, "main", "problem");
  expect((await project.http("/main/api/")).status).toBe(200);
  const doctor = await project.ikigai("doctor");
  expect(doctor.stdout).toMatch(
    /✖ settings of main: .*services\.backend\.after\[0\] "databse" is not a service/,
  );
  expect(doctor.stdout).toMatch(/✖ settings of main: .*services\.web has no directory here/);
  await rm(rc);
  await until(project, "main", "ready");
  // Beside the worktrees: reported once, for no worktree.
  const shared = join(project.root, ".ikigairc.json");
  const before = await readFile(shared, "utf8");
  const web = { command: ["npm", "run", "dev"] };
  await writeFile(shared, JSON.stringify({ ...JSON.parse(before), services: { web } }));
  const told = /^ {2}settings: \.ikigairc\.json: services\.web has no directory here/m;
  await waitFor(async () => told.test((await project.ikigai("wt", "list")).stdout));
  expect((await show(project, "main")).state).toBe("ready");
  // `trust` and `up` report that it has no effect.
  const trusted = await project.ikigai("trust", "main", "--yes");
  expect(trusted.stderr).toMatch(/ {2}\.ikigairc\.json: services\.web has no directory here/);
  await project.git(
    ".",
    "worktree",
    "add",
    "--quiet",
    "--no-checkout",
    "-b",
    "hollow",
    project.worktree("hollow"),
  );
  await until(project, "hollow", "ready");
  const up = await project.ikigai("up", "hollow");
  expect([up.exitCode, up.stderr]).toEqual([
    1,
    expect.stringMatching(/hollow has no service to start: .*services\.web has no directory here/),
  ]);
  await writeFile(shared, before);
});

test("invalid settings are reported first, and addresses stay as they were", async () => {
  const shared = join(project.root, ".ikigairc.json");
  const before = await readFile(shared, "utf8");
  await writeFile(shared, before.replace(/}\s*$/, ",}"));
  const told = /settings: \.ikigairc\.json:\d+:\d+ cannot be read: a trailing comma/;
  await waitFor(async () => told.test((await project.ikigai("wt", "list")).stdout));
  await project.ikigai("stop");
  const list = await project.ikigai("wt", "list");
  expect(list.stdout).toMatch(told);
  expect(list.stdout).toContain(`http://localhost:${project.httpPort}/main`);
  expect(list.stderr).toContain("fix the configuration, then ikigai start");
  expect((await project.ikigai("doctor")).stdout).toMatch(/✖ settings: \.ikigairc\.json:\d+:\d+ /);
  const status = await project.ikigai("status", "--json");
  expect(JSON.parse(status.stdout)).toMatchObject({
    healthy: false,
    problems: [expect.stringContaining("a trailing comma")],
  });
  await writeFile(shared, before);
});
