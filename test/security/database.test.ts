import pg from "pg";
import { afterAll, beforeAll, expect, test } from "vitest";
import { ownerLogin } from "../support/owner.ts";
import { makeProject, type TestProject } from "../support/project.ts";

let project: TestProject;
let urls: Readonly<Record<string, string>>;

beforeAll(async () => {
  project = await makeProject({ worktrees: ["rel-05"], files: { ".envrc-none": "" } });
  expect((await project.ikigai("start")).exitCode).toBe(0);
  const url = async (name: string) =>
    (await project.http(`/${name}/api/x`)).json<{ database: string }>().database;
  urls = { main: await url("main"), "rel-05": await url("rel-05") };
  await as("main", "CREATE TABLE secret (word text); INSERT INTO secret VALUES ('hidden')");
  await as(
    "main",
    "CREATE FUNCTION tell() RETURNS text LANGUAGE sql SECURITY DEFINER AS $$SELECT word FROM wt_main.secret$$",
  );
  await as("main", "SELECT lo_from_bytea(4711, 'hidden')");
  const owner = new pg.Client(ownerLogin(project));
  await owner.connect();
  await owner.query("CREATE FOREIGN DATA WRAPPER elsewhere");
  await owner.end();
});
afterAll(() => project?.[Symbol.asyncDispose]());

async function as(worktree: string, ...statements: string[]): Promise<pg.QueryResult[]> {
  const client = new pg.Client({ connectionString: urls[worktree] });
  await client.connect();
  try {
    const results = [];
    for (const statement of statements) results.push(await client.query(statement));
    return results;
  } finally {
    await client.end();
  }
}

/** insufficient_privilege: any other error would mean that the attempt itself was wrong. */
const DENIED = { code: "42501" };

const REFUSED: readonly (readonly [string, string[]])[] = [
  ["read a neighbour's table", ["SELECT * FROM wt_main.secret"]],
  ["write to it", ["INSERT INTO wt_main.secret VALUES ('x')"]],
  ["call a neighbour's function", ["SELECT wt_main.tell()"]],
  ["make a table in its schema", ["CREATE TABLE wt_main.mine ()"]],
  ["become its role", ["SET ROLE wt_main"]],
  ["become the owner", ["SET SESSION AUTHORIZATION ikigai"]],
  ["take its schema", ['ALTER SCHEMA wt_main OWNER TO "wt_rel_05"']],
  ["make a database", ["CREATE DATABASE mine"]],
  ["make a role", ["CREATE ROLE mine"]],
  ["change its own rights", ['ALTER ROLE "wt_rel_05" CREATEDB']],
  ["make a schema", ["CREATE SCHEMA mine"]],
  ["make a table in public", ["CREATE TABLE public.mine ()"]],
  ["make a table among the extensions", ["CREATE TABLE extensions.mine ()"]],
  [
    "put anything into extensions",
    ["CREATE FUNCTION extensions.f() RETURNS int LANGUAGE sql RETURN 1"],
  ],
  ["read passwords", ["SELECT rolpassword FROM pg_authid"]],
  ["read the statistics' samples", ["SELECT * FROM pg_statistic"]],
  ["read a neighbour's large object", ["SELECT lo_get(4711)"]],
  ["read a file of the server", ["SELECT pg_read_file('postgresql.conf')"]],
  ["list the server's directories", ["SELECT pg_ls_dir('.')"]],
  ["run a program on the server", ["COPY (SELECT 1) TO PROGRAM 'true'"]],
  ["write a file on the server", ["COPY (SELECT 1) TO '/tmp/iki-never'"]],
  ["load a language", ["CREATE FUNCTION f() RETURNS int LANGUAGE c AS 'libc', 'abs'"]],
  ["make an extension that only a superuser may", ["CREATE EXTENSION pg_buffercache"]],
  [
    "connect elsewhere through a foreign server",
    ["CREATE SERVER mine FOREIGN DATA WRAPPER elsewhere"],
  ],
  ["make a foreign-data wrapper", ["CREATE FOREIGN DATA WRAPPER mine"]],
  ["change the server", ["ALTER SYSTEM SET archive_mode = on"]],
  ["hear a neighbour's replication", ["SELECT pg_create_physical_replication_slot('s')"]],
];

test.each(REFUSED)("a worktree's role cannot %s", async (_, statements) => {
  await expect(as("rel-05", ...statements)).rejects.toMatchObject(DENIED);
});

test("a worktree's role cannot reach another schema through search_path", async () => {
  const attempt = as("rel-05", "SET search_path = wt_main", "SELECT * FROM secret");
  await expect(attempt).rejects.toMatchObject({ code: "42P01" });
});

test("the public statistics contain no samples of another worktree", async () => {
  const samples = "SELECT most_common_vals::text AS vals FROM pg_stats WHERE tablename = 'secret'";
  await as(
    "main",
    "INSERT INTO secret SELECT 'hidden' FROM generate_series(1, 9)",
    "ANALYZE secret",
  );
  const [, own] = await as("main", "SET search_path = wt_main", samples);
  expect(own?.rows).toEqual([{ vals: "{hidden}" }]);
  const [seen] = await as("rel-05", samples);
  expect(seen?.rows).toEqual([]);
});

test("another worktree's session can be neither observed nor ended", async () => {
  const client = new pg.Client({ connectionString: urls.main });
  await client.connect();
  const { rows } = await client.query<{ pid: number }>("SELECT pg_backend_pid() AS pid, 'hidden'");
  const pid = rows[0]?.pid ?? 0;
  await expect(as("rel-05", `SELECT pg_terminate_backend(${pid})`)).rejects.toMatchObject(DENIED);
  await expect(as("rel-05", `SELECT pg_cancel_backend(${pid})`)).rejects.toMatchObject(DENIED);
  const [seen] = await as("rel-05", `SELECT query FROM pg_stat_activity WHERE pid = ${pid}`);
  expect(JSON.stringify(seen?.rows)).not.toContain("hidden");
  expect((await client.query("SELECT 1 AS one")).rows).toEqual([{ one: 1 }]);
  await client.end();
});

test("a temporary table of another worktree cannot be read", async () => {
  const client = new pg.Client({ connectionString: urls.main });
  await client.connect();
  await client.query("CREATE TEMP TABLE fleeting AS SELECT 'hidden' AS word");
  const { rows } = await client.query<{ name: string }>(
    "SELECT nspname AS name FROM pg_namespace WHERE oid = pg_my_temp_schema()",
  );
  await expect(as("rel-05", `SELECT * FROM ${rows[0]?.name}.fleeting`)).rejects.toMatchObject(
    DENIED,
  );
  await client.end();
});

test("its search path holds only its own schema, which it can use", async () => {
  const [path, made] = await as("rel-05", "SHOW search_path", "CREATE TABLE own AS SELECT 1 AS n");
  expect(path?.rows).toEqual([{ search_path: "wt_rel_05, extensions" }]);
  expect(made?.rowCount).toBe(1);
});

test("no role can log in without a password, and passwords are stored as SCRAM", async () => {
  const server = { host: "127.0.0.1", port: project.postgresPort, database: "ikigai" };
  for (const given of [{}, { password: "" }, { password: "wrong" }]) {
    const client = new pg.Client({ ...server, user: "wt_main", ...given });
    client.on("error", () => {});
    await expect(client.connect()).rejects.toThrow(/password/);
  }
  const client = new pg.Client(ownerLogin(project));
  await client.connect();
  const { rows } = await client.query<{ kept: string | null }>(
    "SELECT left(rolpassword, 14) AS kept FROM pg_authid WHERE rolcanlogin",
  );
  const { rows: rules } = await client.query<{ auth_method: string }>(
    "SELECT DISTINCT auth_method FROM pg_hba_file_rules ORDER BY 1",
  );
  const { rows: where } = await client.query("SHOW listen_addresses");
  await client.end();
  expect(new Set(rows.map(({ kept }) => kept))).toEqual(new Set(["SCRAM-SHA-256$"]));
  expect(rules).toEqual([{ auth_method: "reject" }, { auth_method: "scram-sha-256" }]);
  expect(where).toEqual([{ listen_addresses: "localhost" }]);
});

test("the owner cannot log in over TCP as services do, even with the right password", async () => {
  const { password, user, database, port } = ownerLogin(project);
  expect(password).toHaveLength(32);
  for (const host of ["127.0.0.1", "localhost"]) {
    const client = new pg.Client({ host, port, user, database, password });
    client.on("error", () => {});
    // invalid_authorization_specification: rejected by rule, before any password is checked.
    await expect(client.connect(), host).rejects.toMatchObject({ code: "28000" });
  }
});

test("a superuser that a person created cannot connect over TCP", async () => {
  const owner = new pg.Client(ownerLogin(project));
  await owner.connect();
  await owner.query("CREATE ROLE someone LOGIN SUPERUSER PASSWORD 'known'");
  const login = { host: "127.0.0.1", port: project.postgresPort, database: "ikigai" };
  const client = new pg.Client({ ...login, user: "someone", password: "known" });
  client.on("error", () => {});
  await expect(client.connect()).rejects.toMatchObject({ code: "28000" });
  await owner.query("DROP ROLE someone");
  await owner.end();
});
