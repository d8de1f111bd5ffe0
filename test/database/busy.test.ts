import pg from "pg";
import { afterAll, beforeAll, expect, test } from "vitest";
import { ownerLogin } from "../support/owner.ts";
import type { TestProject } from "../support/project.ts";
import { waitFor } from "../support/wait.ts";
import { add, owner, psql, show, startProject, tables, until } from "./support.ts";

let project: TestProject;

beforeAll(async () => {
  project = await startProject({ config: { database: { lockTimeout: "500ms" } } });
  await psql(
    project,
    "main",
    "CREATE TABLE accounts AS SELECT n AS id, 100 AS money FROM generate_series(1, 200) n",
  );
});
afterAll(() => project?.dispose());

async function session(): Promise<pg.Client> {
  const client = new pg.Client(ownerLogin(project));
  await client.connect();
  await client.query("SET search_path = wt_main");
  return client;
}

const worktree = (name: string) =>
  project.git("main", "worktree", "add", "--quiet", "-b", name, `../${name}`, "main");

test("what cannot be branched is named with reason and remedy, and nothing is built", async () => {
  await psql(project, "main", "CREATE VIEW odd AS SELECT to_regclass('wt_main.accounts') AS found");
  await worktree("refused");
  const { problems } = await until(project, "refused", "problem");
  expect(problems.join()).toMatch(
    /wt_main cannot be branched:\s+view odd: .*; next: .*ikigai db reset refused --db empty/s,
  );
  expect(
    await owner(
      project,
      "SELECT nspname FROM pg_namespace WHERE nspname = 'wt_refused' OR nspname LIKE 'ikigai\\_build%'",
    ),
  ).toBe("");
  const tries = () =>
    owner(
      project,
      "SELECT count(*) FROM pg_stat_activity WHERE application_name = 'ikigai branch'",
    );
  expect(Number(await tries())).toBeLessThanOrEqual(2);
  const reset = await project.ikigai("db", "reset", "refused", "--db", "empty");
  expect(reset).toMatchObject({ exitCode: 0 });
  expect((await show(project, "refused")).state).toBe("ready");
  expect(await tables(project, "refused")).toBe("");
  await psql(project, "main", "DROP VIEW odd");
});

test("a refused branch is made automatically once the parent is fixed", async () => {
  await psql(project, "main", "CREATE VIEW odd AS SELECT to_regclass('wt_main.accounts') AS found");
  await worktree("mended");
  await until(project, "mended", "problem");
  await psql(project, "main", "DROP VIEW odd");
  await until(project, "mended", "ready");
  expect(await tables(project, "mended")).toBe("accounts");
});

test("a migration that locks the parent is named and not disturbed, and the branch is made when it ends", async () => {
  const migration = await session();
  try {
    await migration.query("BEGIN; ALTER TABLE accounts ADD COLUMN note text");
    await worktree("patient");
    const { problems } = await until(project, "patient", "problem");
    expect(problems.join()).toMatch(/accounts is locked by process \d+.*tried again by itself/s);
    await migration.query("UPDATE accounts SET note = 'migrated'");
    await migration.query("COMMIT");
  } finally {
    await migration.end();
  }
  await until(project, "patient", "ready");
  expect(await psql(project, "patient", "SELECT DISTINCT note FROM accounts")).toBe("migrated");
});

test("branches taken while others transfer money hold the whole sum, and no session ends", async () => {
  const writers = await Promise.all([session(), session()]);
  let over = false;
  const writing = writers.map(async (client) => {
    let moved = 0;
    while (!over) {
      const [from, to] = [1 + ((moved * 7) % 200), 1 + ((moved * 13) % 200)];
      await client.query("BEGIN");
      await client.query(`UPDATE accounts SET money = money - 1 WHERE id = ${Math.min(from, to)}`);
      await client.query(`UPDATE accounts SET money = money + 1 WHERE id = ${Math.max(from, to)}`);
      await client.query("COMMIT");
      moved += 1;
    }
    return moved;
  });
  for (const name of ["sum-1", "sum-2", "sum-3"]) {
    await add(project, name);
    expect(await psql(project, name, "SELECT sum(money), count(*) FROM accounts")).toBe(
      "20000|200",
    );
  }
  over = true;
  const moved = await Promise.all(writing);
  expect(Math.min(...moved)).toBeGreaterThan(0);
  await Promise.all(writers.map((client) => client.end()));
});

const reserve = "SELECT oid FROM pg_namespace WHERE nspname = 'ikigai_reserve_main'";

/** Adds worktrees until one claimed the reserve: while the reserve is updated it cannot be claimed. */
async function claim(): Promise<string> {
  let tries = 0;
  return waitFor(
    async () => {
      const kept = await waitFor(() => owner(project, reserve), { deadline: 45_000 });
      tries += 1;
      const name = `claim-${tries}`;
      await add(project, name);
      const schema = `wt_claim_${tries}`;
      const now = await owner(project, `SELECT oid FROM pg_namespace WHERE nspname = '${schema}'`);
      return now === kept ? name : undefined;
    },
    { deadline: 150_000, what: "a claim" },
  );
}

test("a worktree made from the reserve equals the present parent, and its role owns it", async () => {
  await waitFor(() => owner(project, reserve), { deadline: 45_000, what: "a reserve" });
  await expect(psql(project, "sum-1", "TABLE ikigai_reserve_main.accounts")).rejects.toThrow(
    /permission denied/,
  );
  await psql(
    project,
    "main",
    `ALTER DEFAULT PRIVILEGES GRANT SELECT ON TABLES TO ikigai;
     CREATE TABLE log (id serial PRIMARY KEY, at timestamptz DEFAULT now());
     UPDATE accounts SET money = 7 WHERE id = 3`,
  );
  const name = await claim();
  expect(await psql(project, name, "SELECT money FROM accounts WHERE id = 3")).toBe("7");
  const schema = `wt_${name.replace("-", "_")}`;
  expect(await psql(project, name, "SHOW search_path")).toBe(`${schema}, extensions`);
  const owners = `SELECT DISTINCT pg_get_userbyid(relowner) FROM pg_class WHERE relnamespace = '${schema}'::regnamespace
    UNION SELECT pg_get_userbyid(nspowner) FROM pg_namespace WHERE nspname = '${schema}'
    UNION SELECT pg_get_userbyid(defaclrole) FROM pg_default_acl WHERE defaclnamespace = '${schema}'::regnamespace`;
  expect(await owner(project, owners)).toBe(schema);
  expect(await psql(project, name, "INSERT INTO log DEFAULT VALUES RETURNING id")).toBe("1");
  await psql(project, name, "CREATE TABLE own (id int); DROP TABLE accounts");
  await expect(psql(project, name, "TABLE wt_main.log")).rejects.toThrow(/permission denied/);
  await expect(psql(project, "main", `TABLE ${schema}.log`)).rejects.toThrow(/permission denied/);
  await waitFor(() => owner(project, reserve), { deadline: 45_000, what: "another reserve" });
  // On a busy machine a reserve takes long, and may still be in work when it is needed.
}, 240_000);

test("a removed worktree's schema is retired in the middle of a migration there", async () => {
  await add(project, "migrating");
  const migration = await session();
  // The owner's session, which does not end with the worktree.
  await migration.query("BEGIN; CREATE TABLE wt_migrating.fresh (id int)");
  await project.git("main", "worktree", "remove", "--force", "../migrating");
  const aside = "SELECT nspname FROM pg_namespace WHERE nspname LIKE 'retired_migrating%'";
  const name = await waitFor(() => owner(project, aside), {
    deadline: 20_000,
    what: "the retired schema",
  });
  await migration.query("COMMIT");
  await migration.end();
  expect(await owner(project, `SELECT count(*) FROM ${name}.fresh`)).toBe("0");
});
