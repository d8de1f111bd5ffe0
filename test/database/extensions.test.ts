import { join } from "node:path";
import { afterAll, beforeAll, expect, test } from "vitest";
import type { TestProject } from "../support/project.ts";
import { waitFor } from "../support/wait.ts";
import { add, owner, psql, show, startProject, tables } from "./support.ts";

let project: TestProject;

beforeAll(async () => {
  project = await startProject({ config: { worktrees: { retention: { age: "2s" } } } });
});
afterAll(() => project?.dispose());

const placeOf = (extension: string) =>
  owner(
    project,
    `SELECT extnamespace::regnamespace FROM pg_extension WHERE extname = '${extension}'`,
  );

function asOwner(worktree: string, sql: string) {
  const program = join(project.root, ".ikigai/bin/psql");
  const args = ["-U", "ikigai", "-XAtq", "-c", sql];
  return project.run(program, args, { cwd: project.worktree(worktree) });
}

test("an extension that the owner creates, in any schema, is usable in every worktree at once", async () => {
  await add(project, "one");
  await asOwner("one", "CREATE EXTENSION citext");
  expect(await placeOf("citext")).toBe("extensions");
  await owner(project, "CREATE EXTENSION pg_trgm");
  expect(await placeOf("pg_trgm")).toBe("extensions");
  await asOwner("one", "CREATE EXTENSION hstore SCHEMA wt_one");
  expect(await placeOf("hstore")).toBe("extensions");
  await psql(project, "main", "CREATE TABLE t (a citext, b hstore)");
  await add(project, "two");
  expect(await psql(project, "two", "INSERT INTO t VALUES ('A', 'x=>1') RETURNING a = 'a'")).toBe(
    "t",
  );
});

test("one that cannot be moved is reported with what to do, on creation and in the worktree", async () => {
  const { stderr } = await asOwner("one", "CREATE EXTENSION xml2 SCHEMA wt_one");
  expect(stderr).toMatch(/WARNING:.*xml2[\s\S]*HINT:.*CREATE EXTENSION xml2 SCHEMA extensions/);
  await waitFor(
    async () => /extension xml2 lies in wt_one/.test((await show(project, "one")).problems.join()),
    {
      deadline: 30_000,
    },
  );
  const refused = await project.ikigai("db", "branch", "one", "--into", "two");
  expect(refused).toMatchObject({ exitCode: 1 });
  expect(refused.stderr).toMatch(/extension xml2/);
  // Nothing was retired for a branch that cannot be made.
  expect(await tables(project, "two")).toBe("t");
  await asOwner("one", "DROP EXTENSION xml2");
  await waitFor(async () => (await show(project, "one")).problems.length === 0, {
    deadline: 30_000,
  });
});

test("an object outside that depends on a schema prevents its drop and is named", async () => {
  await add(project, "gone");
  await psql(project, "gone", "CREATE TABLE kept (id int)");
  await owner(project, "CREATE VIEW public.reader AS SELECT * FROM wt_gone.kept");
  await project.git("main", "worktree", "remove", "--force", "../gone");
  await waitFor(
    async () => /view reader|public\.reader/.test((await project.ikigai("wt", "list")).stderr),
    { deadline: 30_000, what: "the dependent is named" },
  );
  expect(await owner(project, "SELECT count(*) FROM public.reader")).toBe("0");
  await owner(project, "DROP VIEW public.reader");
  await waitFor(
    async () =>
      (await owner(project, "SELECT nspname FROM pg_namespace WHERE nspname LIKE 'retired%'")) ===
      "",
    { deadline: 60_000, what: "the drop" },
  );
  expect(await owner(project, "SELECT rolname FROM pg_roles WHERE rolname ~ 'gone'")).toBe("");
});

test("a schema of 2,500 tables is retired in one step and dropped in batches", async () => {
  await add(project, "wide");
  await psql(
    project,
    "wide",
    "DO $$ BEGIN FOR n IN 1..2500 LOOP EXECUTE format('CREATE TABLE t%s (a int)', n); END LOOP; END $$",
  );
  await project.git("main", "worktree", "remove", "--force", "../wide");
  await waitFor(
    async () =>
      (await owner(project, "SELECT nspname FROM pg_namespace WHERE nspname ~ 'wide'")) === "",
    { deadline: 55_000, what: "the drop" },
  );
  expect(await tables(project, "main")).toBe("t");
  expect((await show(project, "main")).state).toBe("ready");
});
