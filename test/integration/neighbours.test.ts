import { readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { afterAll, beforeAll, expect, test } from "vitest";
import { processesOf } from "../../scripts/processes.js";
import { layoutOf } from "../../src/model/layout.ts";
import { makeProject, type TestProject } from "../support/project.ts";
import { must, read, reportOf, startProject } from "../support/running.ts";

let one: TestProject;
let two: TestProject;

beforeAll(async () => {
  // One after the other, so that started projects are stopped when the next one fails.
  one = await startProject({ worktrees: ["rel-05"] });
  two = await startProject({ worktrees: ["rel-05"] });
}, 120_000);

afterAll(async () => {
  const left = [await one?.dispose(), await two?.dispose()];
  expect(left).toEqual([[], []]);
}, 60_000);

function query(project: TestProject, text: string) {
  const psql = join(layoutOf(project.root).bin, "psql");
  return project.run(psql, ["-XAtc", text], { cwd: project.worktree("rel-05") });
}

test("two projects with worktrees of the same names run at once, each with its own", async () => {
  for (const [project, other] of [
    [one, two],
    [two, one],
  ] as const) {
    const hello = (await project.http("/rel-05/api/hello")).json<{ cwd: string }>();
    expect(hello.cwd).toContain(project.worktree("rel-05"));
    expect(
      (await query(project, `CREATE TABLE mine AS SELECT '${project.root}' AS root`)).stderr,
    ).toBe("");
    const { DATABASE_URL: url } = await read<Record<string, string>>(project, "env", "rel-05");
    const foreign = url?.replace(`:${project.postgresPort}/`, `:${other.postgresPort}/`) ?? "";
    const refused = await project.run("psql", ["-XAtc", "SELECT 1", foreign], {
      env: { PGPASSFILE: "/dev/null" },
    });
    expect(refused.stderr).toContain("password authentication failed");
  }
  expect((await query(one, "TABLE mine")).stdout).toBe(one.root);
  expect((await query(two, "TABLE mine")).stdout).toBe(two.root);
});

test("stopping one does not affect the other", async () => {
  await must(two, "stop");
  expect((await one.http("/rel-05/api/hello")).status).toBe(200);
  expect((await one.ikigai("status")).exitCode).toBe(0);
  expect(await processesOf([two.root])).toEqual([]);
});

test("a project on another's ports is refused with the holder's name, and changes nothing there", async () => {
  const before = await query(one, "SELECT oid, nspname FROM pg_namespace ORDER BY oid");
  const file = join(two.root, ".ikigairc.json");
  const own = readFileSync(file, "utf8");
  const taken = { http: { port: one.httpPort }, postgres: { port: one.postgresPort } };
  writeFileSync(file, JSON.stringify(taken));
  const { exitCode, stderr } = await two.ikigai("start");
  expect(exitCode).toBe(1);
  expect(stderr).toContain(`Port ${one.httpPort} is already in use by the project ${one.root}.`);
  expect(stderr).toMatch(/\n {2}next: .*(http|postgres)\.port/);

  // The first one is unchanged, and the second one's worktrees are not in it.
  await two.git(".", "worktree", "add", "--quiet", "-b", "rel-07", "rel-07");
  await two.ikigai("plan");
  expect(await query(one, "SELECT oid, nspname FROM pg_namespace ORDER BY oid")).toEqual(before);
  expect((await one.http("/rel-07/api/hello")).status).toBe(404);
  expect((await query(one, "TABLE mine")).stdout).toBe(one.root);
  expect((await one.ikigai("status")).exitCode).toBe(0);

  writeFileSync(file, own);
  await must(two, "restart");
  expect((await reportOf(two, "rel-07"))?.state).toBe("ready");
  expect((await query(two, "TABLE mine")).stdout).toBe(two.root);
}, 60_000);

test("a foreign program on a port is reported, with its pid and the setting to change", async () => {
  await using three = await makeProject({ config: { http: { port: one.httpPort } } });
  expect((await three.ikigai("init")).exitCode).toBe(0);
  const nginx = await three.run(join(layoutOf(three.root).bin, "nginx"), ["start"]);
  expect(nginx.exitCode).toBe(1);
  expect(nginx.stderr).toContain(String(one.httpPort));
  expect(nginx.stderr).toMatch(/\n {2}next: .*http\.port/);
  expect((await one.http("/main/api/hello")).status).toBe(200);
});

test("a project's path may contain special characters of shells, nginx and Postgres", async () => {
  await using three = await startProject({ name: 'it\'s a "$project" {1}; #ü %20' });
  const hello = (await three.http("/main/api/hello")).json<{ cwd: string }>();
  expect(hello.cwd).toBe(join(three.root, "main/backend"));
  expect((await three.http("/main/frontend/")).text).toContain("Hello from main");
  const psql = join(layoutOf(three.root).bin, "psql");
  const outcome = await three.run(psql, ["-XAtc", "SELECT current_user"], {
    cwd: three.worktree("main"),
  });
  expect(outcome).toEqual({ exitCode: 0, stdout: "wt_main", stderr: "" });
  await must(three, "stop");
  expect(await processesOf([three.root])).toEqual([]);
});
