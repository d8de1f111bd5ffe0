import { join } from "node:path";
import { afterAll, beforeAll, expect, test } from "vitest";
import type { TestProject } from "../support/project.ts";
import { add, owner, psql, show, startProject, tables, until } from "./support.ts";

let project: TestProject;

beforeAll(async () => {
  project = await startProject({
    branches: ["other"],
    config: { database: { maxSize: "256KB", lockTimeout: "1s" } },
  });
  await psql(
    project,
    "main",
    "CREATE TABLE words (id serial PRIMARY KEY, word text); INSERT INTO words (word) SELECT 'w' || n FROM generate_series(1, 100) n",
  );
});
afterAll(() => project?.dispose());

const count = (worktree: string) => psql(project, worktree, "SELECT count(*) FROM words");

test("a new worktree has the rows and its own sequence positions", async () => {
  await add(project, "one");
  expect(await count("one")).toBe("100");
  expect(await psql(project, "one", "INSERT INTO words (word) VALUES ('x') RETURNING id")).toBe(
    "101",
  );
  expect(await count("main")).toBe("100");
  const who =
    "SELECT current_user, tableowner FROM pg_tables WHERE tablename = 'words' AND schemaname = current_schema()";
  expect(await psql(project, "one", who)).toBe("wt_one|wt_one");
});

test("ikigai wt add --db chooses what one worktree's schema begins with", async () => {
  await project.ikigai("wt", "add", "bones", "--db", "structure");
  await project.ikigai("wt", "add", "nothing", "--db", "empty");
  expect(await count("bones")).toBe("0");
  expect(await tables(project, "nothing")).toBe("");
  const wrong = await project.ikigai("wt", "add", "wrong", "--db", "all");
  expect(wrong.exitCode).not.toBe(0);
  expect(wrong.stderr).toMatch(/Unknown mode "all"\. Use data, structure or empty\./);
  expect(await project.git(".", "branch", "--list", "wrong")).toBe("");
});

test("the choice for a failed add is forgotten", async () => {
  const failed = await project.ikigai("wt", "add", "later", "--from", "nowhere", "--db", "empty");
  expect(failed.exitCode).toBe(1);
  await add(project, "later");
  expect(await count("later")).toBe("100");
});

test("above database.maxSize only the structure is copied, which is reported as long as it holds", async () => {
  await psql(
    project,
    "main",
    "CREATE TABLE pages AS SELECT n, repeat('x', 1000) AS text FROM generate_series(1, 500) n",
  );
  await add(project, "large");
  expect(await count("large")).toBe("0");
  const told = /only the structure was taken.*database\.maxSize is 256KB/;
  expect((await show(project, "large")).problems.join()).toMatch(told);
  expect((await show(project, "large")).state).toBe("ready");
  await project.ikigai("restart");
  expect((await until(project, "large", "ready")).problems.join()).toMatch(told);
  await project.ikigai("db", "reset", "large", "--db", "data");
  expect(await count("large")).toBe("100");
  expect((await show(project, "large")).problems).toEqual([]);
  await psql(project, "main", "DROP TABLE pages");
});

test("what a worktree shares with its parent is reported as long as it does", async () => {
  await owner(
    project,
    "CREATE FOREIGN DATA WRAPPER elsewhere; CREATE SERVER archive FOREIGN DATA WRAPPER elsewhere; CREATE FOREIGN TABLE wt_main.papers (id int) SERVER archive",
  );
  await add(project, "sharing");
  const { state, problems } = await show(project, "sharing");
  expect(state).toBe("ready");
  expect(problems.join()).toMatch(
    /^papers: the rows of this foreign table stay those of .* archive/,
  );
  await owner(project, "DROP FOREIGN TABLE wt_main.papers");
});

test("ikigai db branch and reset recreate a schema, keep its data and end no other session", async () => {
  await psql(project, "one", "CREATE TABLE mine (id int)");
  const reset = await project.ikigai("db", "reset", "one");
  expect(reset).toMatchObject({ exitCode: 0 });
  expect(reset.stderr).toMatch(/restore it: ikigai wt restore one/);
  expect(await tables(project, "one")).toBe("words");
  await project.ikigai("wt", "restore", "one");
  expect(await tables(project, "one")).toBe("mine words");
  const branch = await project.ikigai("db", "branch", "one", "--into", "bones", "--json");
  expect(JSON.parse(branch.stdout)).toMatchObject({ schema: "wt_bones" });
  expect(await tables(project, "bones")).toBe("mine words");
  expect(await count("bones")).toBe("101");
});

test("ikigai db list and size show each schema's size, db diff the differences", async () => {
  const list = JSON.parse((await project.ikigai("db", "list", "--json")).stdout).schemas;
  expect(list).toContainEqual(
    expect.objectContaining({ schema: "wt_main", state: "live", tables: 1 }),
  );
  expect((await project.ikigai("db", "size", "one")).stdout).toMatch(/wt_one/);
  await psql(project, "one", "ALTER TABLE words ADD COLUMN lang text DEFAULT 'en'");
  const diff = await project.ikigai("db", "diff", "main", "one");
  expect(diff.exitCode).toBe(1);
  expect(diff.stdout).toMatch(/column words\.lang added/);
  expect(diff.stdout).toMatch(/table mine added[\s\S]*CREATE TABLE/);
  const same = await project.ikigai("db", "diff", "main", "later");
  expect(same).toMatchObject({ exitCode: 0 });
});

test("outside of all worktrees a command requires a name", async () => {
  const { exitCode, stderr } = await project.ikigai("db", "setup");
  expect(exitCode).toBe(1);
  expect(stderr).toMatch(
    /This directory is not in a worktree\.\s+next: name a worktree; list them with: ikigai wt list/,
  );
});

const GITS_OWN = /commondir|Invalid path|unable to create|could not lock|File exists|index\.lock/i;

/** git itself sometimes fails while another add is half done, and is then run again. */
async function addBesideOthers(name: string): Promise<void> {
  const args = ["worktree", "add", "--quiet", "-B", name, `../${name}`, "main"];
  for (;;) {
    const { exitCode, stderr } = await project.run("git", args, { cwd: "main" });
    if (exitCode === 0) return;
    if (!GITS_OWN.test(stderr)) throw new Error(stderr);
  }
}

test("twenty worktrees that are added at once all get a complete branch", async () => {
  const names = Array.from({ length: 20 }, (_, n) => `many-${n}`);
  await Promise.all(names.map(addBesideOthers));
  for (const name of names) await until(project, name, "ready");
  for (const name of names) expect(await count(name)).toBe("100");
});

test("a schema is made once: a restart, a move and a restore leave it as it is", async () => {
  await psql(project, "later", "CREATE TABLE own (id int)");
  await project.git("main", "worktree", "move", "../later", "../moved");
  await project.ikigai("wt", "wait", "later");
  await project.ikigai("restart");
  const program = join(project.root, ".ikigai/bin/psql");
  const { stdout } = await project.run(program, ["-XAtc", "SELECT count(*) FROM own"], {
    cwd: "moved",
  });
  expect(stdout).toBe("0");
});
