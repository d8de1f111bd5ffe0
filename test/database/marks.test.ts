import { afterAll, beforeAll, expect, test } from "vitest";
import { identityOf, sql } from "../lifecycle/support.ts";
import { daemonPid } from "../support/daemon.ts";
import type { TestProject } from "../support/project.ts";
import { waitFor } from "../support/wait.ts";
import { add, owner, psql, show, startProject, tables, until } from "./support.ts";

let project: TestProject;

beforeAll(async () => {
  project = await startProject({ config: { worktrees: { retention: { age: "1s" } } } });
  await psql(project, "main", "CREATE TABLE notes AS SELECT generate_series(1, 100) AS n");
});
afterAll(() => project?.dispose());

/** Names like ikigai's, of schemas and roles that a person created. */
const SCHEMAS = [
  "wt_person",
  "retired_person_1",
  "dropped_person",
  "ikigai_reserve_person",
  "ikigai_build_person",
  "ikigai_build_person_lens",
];
const ROLES = ["wt_alone", "retired_alone", "dropped_person", "ikigai_build_alone"];

test("schemas and roles that a person gave names like ikigai's survive every sweep", async () => {
  for (const role of ROLES) await owner(project, `CREATE ROLE ${role}`);
  for (const schema of SCHEMAS) {
    // Earlier versions used the comment as the mark.
    await owner(
      project,
      `CREATE SCHEMA ${schema} ${ROLES.includes(schema) ? `AUTHORIZATION ${schema}` : ""};
       COMMENT ON SCHEMA ${schema} IS 'ikigai:build'; CREATE TABLE ${schema}.kept AS SELECT 1 AS n`,
    );
  }
  // The sweep of a starting daemon drops a marked role.
  await owner(project, "CREATE ROLE wt_gone; COMMENT ON ROLE wt_gone IS 'ikigai:role'");
  process.kill(await daemonPid(project), "SIGKILL");
  const swept = "SELECT count(*) FROM pg_roles WHERE rolname = 'wt_gone'";
  await waitFor(async () => (await owner(project, swept)) === "0", { deadline: 25_000 });
  // Retention drops what was removed more than a second ago.
  await add(project, "old");
  await project.git("main", "worktree", "remove", project.worktree("old"));
  const retired = "SELECT count(*) FROM pg_namespace WHERE nspname ~ '^(wt|retired|dropped)_old'";
  await waitFor(async () => (await owner(project, retired)) === "0", { deadline: 25_000 });
  // The reserve job makes main's reserve, and drops one that is not needed.
  const reserved = "SELECT count(*) FROM pg_namespace WHERE nspname = 'ikigai_reserve_main'";
  await waitFor(async () => (await owner(project, reserved)) === "1", { deadline: 25_000 });
  const left = await sql<{ name: string }>(
    project,
    "SELECT nspname AS name FROM pg_namespace WHERE to_regclass(nspname || '.kept') IS NOT NULL",
  );
  expect(left.map(({ name }) => name).sort()).toEqual([...SCHEMAS].sort());
  const roles = await sql<{ name: string }>(
    project,
    "SELECT rolname AS name FROM pg_roles WHERE rolname ~ '(alone|person)$'",
  );
  expect(roles.map(({ name }) => name).sort()).toEqual([...ROLES].sort());
});

test("a comment on a schema, as from a restored dump, does not make ikigai lose it", async () => {
  await psql(project, "main", "COMMENT ON SCHEMA wt_main IS 'standard public schema'");
  await add(project, "after-comment");
  expect(await tables(project, "after-comment")).toBe("notes");
  const identity = await identityOf(project, "wt_main");
  await psql(
    project,
    "after-comment",
    `COMMENT ON SCHEMA wt_after_comment IS 'ikigai:{"worktree":"main","identity":"${identity}","secret":""}'`,
  );
  await project.ikigai("wt", "wait", "after-comment");
  expect((await show(project, "after-comment")).state).toBe("ready");
  expect((await show(project, "main")).state).toBe("ready");
  expect(await identityOf(project, "wt_after_comment")).not.toBe(identity);
});

test("a worktree's role cannot read or write the registry", async () => {
  for (const statement of [
    "TABLE ikigai_registry.schemas",
    "DELETE FROM ikigai_registry.schemas",
    "CREATE TABLE ikigai_registry.mine ()",
  ]) {
    await expect(psql(project, "main", statement)).rejects.toThrow(/permission denied/);
  }
});

test("a schema that its owner dropped and restored from a dump is its worktree's again", async () => {
  await owner(
    project,
    `DROP SCHEMA wt_main CASCADE; CREATE SCHEMA wt_main AUTHORIZATION wt_main; SET ROLE wt_main;
     CREATE TABLE wt_main.restored AS SELECT 1 AS n`,
  );
  await project.ikigai("wt", "wait", "main");
  await until(project, "main", "ready");
  await add(project, "after-restore");
  expect(await tables(project, "after-restore")).toBe("restored");
});
