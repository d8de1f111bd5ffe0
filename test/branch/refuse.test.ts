import { afterAll, beforeAll, beforeEach, expect, test } from "vitest";
import {
  BranchError,
  branchSchema,
  diffSchemas,
  dropSchema,
  moveExtensions,
  refusals,
  schemaSize,
  surveySchema,
  sweepBuilds,
} from "../../src/schema-branch/index.ts";
import { register } from "../../src/schema-branch/registry.ts";
import { type Cluster, startCluster } from "./cluster.ts";

let cluster: Cluster;

beforeAll(async () => {
  cluster = await startCluster();
  await cluster.sql("CREATE ROLE wt_copy LOGIN");
});
afterAll(() => cluster?.stop());
beforeEach(async () => {
  await cluster.sql(
    "DROP SCHEMA IF EXISTS wt_copy CASCADE; DROP SCHEMA wt_main CASCADE; CREATE SCHEMA wt_main AUTHORIZATION wt_main",
  );
});

const branch = (more: Partial<Parameters<typeof branchSchema>[1]> = {}) =>
  branchSchema(cluster.connect, {
    base: "wt_main",
    target: "wt_copy",
    owner: "wt_copy",
    mode: "data",
    mark: "ikigai:wt copy",
    ...more,
  });

async function refused(): Promise<string[]> {
  const client = await cluster.connect();
  try {
    return refusals(await surveySchema(client, "wt_main")).map(
      // Versions differ in whether a transform is "on" its language.
      (each) => `${each.kind} ${each.object}`.replace(" on language ", " language "),
    );
  } finally {
    await client.end();
  }
}

const builds = async () =>
  (await cluster.rows("SELECT FROM pg_namespace WHERE nspname LIKE 'ikigai\\_build%'")).length;

const REFUSED: [string, string, string[]][] = [
  ["an extension in the schema", "CREATE EXTENSION hstore SCHEMA wt_main", ["extension hstore"]],
  [
    "a base type",
    "CREATE TYPE wt_main.shell; CREATE FUNCTION wt_main.i(cstring) RETURNS wt_main.shell LANGUAGE internal AS 'int4in'; CREATE FUNCTION wt_main.o(wt_main.shell) RETURNS cstring LANGUAGE internal AS 'int4out'; CREATE TYPE wt_main.shell (INPUT = wt_main.i, OUTPUT = wt_main.o, LIKE = int4)",
    ["type shell"],
  ],
  [
    "a default that names the schema in a string",
    "CREATE TABLE wt_main.t (a text DEFAULT 'x wt_main.t')",
    ["default t.a"],
  ],
  ["a view that does", "CREATE VIEW wt_main.v AS SELECT to_regclass('wt_main.x') AS c", ["view v"]],
  [
    "a trigger argument that does",
    "CREATE TABLE wt_main.t (a int); CREATE FUNCTION wt_main.f() RETURNS trigger LANGUAGE plpgsql AS 'BEGIN RETURN NULL; END'; CREATE TRIGGER tr AFTER INSERT ON wt_main.t EXECUTE FUNCTION wt_main.f('wt_main.t')",
    ["trigger tr on t"],
  ],
  [
    "a parsed body that does",
    "CREATE FUNCTION wt_main.f() RETURNS text LANGUAGE sql RETURN 'wt_main.f'",
    ["function f()"],
  ],
  [
    "a default argument that does",
    "CREATE FUNCTION wt_main.f(a text DEFAULT 'wt_main') RETURNS text LANGUAGE sql AS 'SELECT a'",
    ["function f(a text)"],
  ],
  [
    "an invalid index",
    "CREATE TABLE wt_main.t (a int); CREATE INDEX broken ON wt_main.t (a); UPDATE pg_index SET indisvalid = false WHERE indexrelid = 'wt_main.broken'::regclass",
    ["index broken"],
  ],
  [
    "a switched-off foreign key",
    "CREATE TABLE wt_main.t (a int PRIMARY KEY REFERENCES wt_main.t); ALTER TABLE wt_main.t DISABLE TRIGGER ALL",
    ["constraint t_a_fkey on t"],
  ],
  [
    "a partition elsewhere",
    "CREATE TABLE wt_main.t (a int) PARTITION BY LIST (a); CREATE SCHEMA IF NOT EXISTS other; CREATE TABLE IF NOT EXISTS other.p PARTITION OF wt_main.t DEFAULT",
    ["table t"],
  ],
  [
    "a cast between types of others",
    "CREATE FUNCTION wt_main.f(point) RETURNS int LANGUAGE sql AS 'SELECT 1'; CREATE CAST (point AS int) WITH FUNCTION wt_main.f(point)",
    ["cast point as integer"],
  ],
  [
    "a transform",
    "CREATE FUNCTION wt_main.f(internal) RETURNS internal LANGUAGE internal IMMUTABLE AS 'textin'; CREATE TRANSFORM FOR int LANGUAGE plpgsql (FROM SQL WITH FUNCTION wt_main.f(internal))",
    ["transform for integer language plpgsql"],
  ],
  [
    "an access method",
    "CREATE ACCESS METHOD odd TYPE INDEX HANDLER pg_catalog.bthandler; CREATE FUNCTION wt_main.h(internal) RETURNS index_am_handler LANGUAGE internal AS 'bthandler'; CREATE ACCESS METHOD odder TYPE INDEX HANDLER wt_main.h",
    ["access method odder"],
  ],
  [
    "a text search parser",
    "CREATE TEXT SEARCH PARSER wt_main.p (START = prsd_start, GETTOKEN = prsd_nexttoken, END = prsd_end, LEXTYPES = prsd_lextype)",
    ["text search parser p"],
  ],
  [
    "a column of object numbers",
    "CREATE TABLE wt_main.t (a regclass, b regtype[], c regclass); INSERT INTO wt_main.t VALUES ('wt_main.t', '{wt_main.t,int}', 'pg_class')",
    ["column t.a", "column t.b"],
  ],
  [
    "a circle",
    "CREATE TABLE wt_main.t (a int); CREATE FUNCTION wt_main.f() RETURNS int LANGUAGE sql RETURN 1; CREATE VIEW wt_main.v AS SELECT wt_main.f() AS a; CREATE OR REPLACE FUNCTION wt_main.f() RETURNS int LANGUAGE sql BEGIN ATOMIC SELECT max(a) FROM wt_main.v; END",
    ["function f() → v"],
  ],
];

test.each(REFUSED)("%s is refused by name, before anything is built", async (_, sql, names) => {
  await cluster.sql(sql);
  const found = await refused();
  expect(
    found.map((name) => (name.includes("→") ? name.split(" ").toSorted().join(" ") : name)),
  ).toEqual(
    names.map((name) => (name.includes("→") ? name.split(" ").toSorted().join(" ") : name)),
  );
  await expect(branch()).rejects.toMatchObject({ code: "refused", retryable: false });
  expect(await builds()).toBe(0);
});

test("what stays shared or unpublished is reported", async () => {
  await cluster.sql("CREATE TABLE wt_main.t (a oid); CREATE PUBLICATION p FOR TABLE wt_main.t");
  const report = await branch();
  expect(report.notes.map((note) => note.object).toSorted()).toEqual(
    ["ikigai", "t.a"].map((name) =>
      expect.stringContaining(name === "ikigai" ? "t in publication p" : name),
    ),
  );
  await cluster.sql("DROP PUBLICATION p");
});

test("an extension is moved to the shared schema, and the branch continues", async () => {
  await cluster.sql(
    "CREATE EXTENSION citext SCHEMA wt_main; CREATE TABLE wt_main.t (a wt_main.citext)",
  );
  const client = await cluster.connect();
  expect(await moveExtensions(client, "wt_main", "extensions")).toEqual([
    { extension: "citext", moved: true },
  ]);
  await client.end();
  await branch();
  expect(
    await cluster.rows(
      "SELECT format_type(atttypid, NULL) AS type FROM pg_attribute WHERE attrelid = 'wt_copy.t'::regclass AND attnum = 1",
    ),
  ).toEqual([{ type: "extensions.citext" }]);
});

test("only a marked schema is dropped, and nothing outside of it", async () => {
  await cluster.sql("CREATE TABLE wt_main.t (a int)");
  await branch();
  const client = await cluster.connect();
  try {
    await expect(dropSchema(client, "wt_main")).rejects.toMatchObject({ code: "refused" });
    await client.query(
      "CREATE SCHEMA IF NOT EXISTS outside; CREATE VIEW outside.v AS SELECT * FROM wt_copy.t; CREATE TABLE outside.f (a int DEFAULT 1)",
    );
    await client.query(
      "ALTER TABLE wt_copy.t ADD PRIMARY KEY (a); ALTER TABLE outside.f ADD CONSTRAINT to_t FOREIGN KEY (a) REFERENCES wt_copy.t",
    );
    await client.query(
      "CREATE EXTENSION seg SCHEMA wt_copy; CREATE TABLE outside.s (g wt_copy.seg)",
    );
    const error = await dropSchema(client, "wt_copy").catch((cause: unknown) => cause);
    expect(error).toBeInstanceOf(BranchError);
    expect(String(error)).toMatch(/rule _RETURN on view outside\.v/);
    expect(String(error)).toMatch(/constraint to_t on table outside\.f/);
    expect(String(error)).toMatch(/extension seg/);
    await client.query("DROP SCHEMA outside CASCADE; DROP EXTENSION seg");
    await dropSchema(client, "wt_copy");
    expect(await schemaSize(client, "wt_copy")).toBe(0);
    await dropSchema(client, "wt_copy");
  } finally {
    await client.end();
  }
});

test("thousands of tables are branched and dropped within the server's lock table", async () => {
  await cluster.sql(
    "DO $$ BEGIN FOR i IN 1..1500 LOOP EXECUTE format('CREATE TABLE wt_main.t%s (id serial PRIMARY KEY, v text)', i); IF i % 100 = 0 THEN COMMIT; END IF; END LOOP; END $$",
    "wt_main",
  );
  await branch();
  const client = await cluster.connect();
  await dropSchema(client, "wt_copy");
  await client.query(register("wt_main", "ikigai:old"));
  await dropSchema(client, "wt_main");
  await client.query("CREATE SCHEMA wt_main");
  await client.end();
});

test("differences are reported in the form of a migration", async () => {
  await cluster.sql(
    "CREATE TABLE wt_main.t (id int PRIMARY KEY, a int, gone text); CREATE INDEX ta ON wt_main.t (a); CREATE FUNCTION wt_main.f() RETURNS int LANGUAGE sql AS 'SELECT 1'; CREATE TYPE wt_main.e AS ENUM ('a')",
  );
  await branch();
  await cluster.sql(`ALTER TABLE wt_copy.t ALTER a TYPE bigint, DROP gone, ADD fresh text NOT NULL DEFAULT 'x'; DROP INDEX wt_copy.ta; CREATE TABLE wt_copy.new (id int);
    CREATE OR REPLACE FUNCTION wt_copy.f() RETURNS int LANGUAGE sql AS 'SELECT 2'; ALTER TYPE wt_copy.e ADD VALUE 'b'; ALTER TABLE wt_copy.t ADD CHECK (a > 0)`);
  const client = await cluster.connect();
  const { differences } = await diffSchemas(client, "wt_main", "wt_copy");
  await client.end();
  expect(differences.map((each) => `${each.change} ${each.kind} ${each.name}`).toSorted()).toEqual([
    "added column t.fresh",
    "added constraint t_a_check on t",
    "added table new",
    "changed column t.a",
    "changed enum e",
    "changed function f()",
    "removed column t.gone",
    "removed index ta on t",
  ]);
  expect(differences.find((each) => each.name === "t.a")).toMatchObject({
    before: '"a" integer',
    after: '"a" bigint',
  });
});

test("an added or removed table is reported with the names of its keys and indexes", async () => {
  await cluster.sql("SET ROLE wt_main; CREATE TABLE wt_main.t (id int PRIMARY KEY)");
  await branch();
  await cluster.sql(`SET search_path = wt_copy; SET ROLE wt_copy;
    CREATE FUNCTION code() RETURNS text LANGUAGE sql AS 'SELECT 1';
    CREATE TABLE "new.one" (id bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY, t int NOT NULL CONSTRAINT to_t REFERENCES t,
      n int GENERATED BY DEFAULT AS IDENTITY (START 7 CYCLE), code text DEFAULT code(), at timestamptz DEFAULT now()) PARTITION BY RANGE (id);
    CREATE INDEX by_code ON "new.one" (code, at)`);
  const client = await cluster.connect();
  const there = await diffSchemas(client, "wt_main", "wt_copy");
  const back = await diffSchemas(client, "wt_copy", "wt_main");
  await client.end();
  const table = `CREATE TABLE "new.one" (
  "id" bigint GENERATED ALWAYS AS IDENTITY NOT NULL,
  "t" integer NOT NULL,
  "n" integer GENERATED BY DEFAULT AS IDENTITY (START WITH 7 CYCLE) NOT NULL,
  "code" text,
  "at" timestamp with time zone DEFAULT now()
) PARTITION BY RANGE (id);
ALTER TABLE "new.one" ADD CONSTRAINT "to_t" FOREIGN KEY (t) REFERENCES t(id);
ALTER TABLE ONLY "new.one" ALTER COLUMN "code" SET DEFAULT code();
ALTER TABLE ONLY "new.one" ADD CONSTRAINT "new.one_pkey" PRIMARY KEY (id);
CREATE INDEX by_code ON ONLY "new.one" USING btree (code, at)`;
  const lines = (text = "") => text.split(";\n").toSorted();
  const added = there.differences.find(({ kind }) => kind === "table");
  expect(added).toMatchObject({ name: "new.one", change: "added" });
  expect(lines(added?.after)).toEqual(lines(table));
  const removed = back.differences.find(({ kind }) => kind === "table");
  expect(removed).toMatchObject({ name: "new.one", change: "removed", before: added?.after });
  for (const { differences } of [there, back])
    expect(differences.map(({ kind }) => kind).toSorted()).toEqual(["function", "table"]);
});

test("differences beside columns are reported: identity, partitions, storage, owner", async () => {
  await cluster.sql(
    "SET ROLE wt_main; CREATE TABLE wt_main.a (id int NOT NULL); CREATE TABLE wt_main.b (id int) PARTITION BY LIST (id); CREATE TABLE wt_main.c (id int) WITH (fillfactor = 70); CREATE TABLE wt_main.d (id int); CREATE TABLE wt_main.e (id int)",
  );
  await branch();
  await cluster.sql(`ALTER TABLE wt_copy.a ALTER id ADD GENERATED ALWAYS AS IDENTITY; ALTER TABLE wt_copy.c SET (fillfactor = 80); ALTER TABLE wt_copy.d OWNER TO wt_main;
    DROP TABLE wt_copy.b; CREATE TABLE wt_copy.b (id int) PARTITION BY RANGE (id); ALTER TABLE wt_copy.b OWNER TO wt_copy`);
  const client = await cluster.connect();
  const { differences } = await diffSchemas(client, "wt_main", "wt_copy");
  await client.end();
  expect(differences).toMatchObject([
    { name: "b", after: 'CREATE TABLE "b" PARTITION BY RANGE (id)' },
    { name: "c", before: expect.stringContaining("fillfactor") },
    { name: "d", after: expect.stringContaining('OWNER TO "wt_main"') },
    { name: "a.id", after: '"id" integer GENERATED ALWAYS AS IDENTITY NOT NULL' },
  ]);
});

test("above the size limit only the structure is copied, and that is reported", async () => {
  await cluster.sql("CREATE TABLE wt_main.t AS SELECT generate_series(1, 1000) AS n");
  const report = await branch({ maxBytes: 1000 });
  expect(report).toMatchObject({
    mode: "structure",
    reason: expect.stringContaining("more than the limit of 1000"),
  });
  expect(await cluster.rows("SELECT count(*) AS n FROM wt_copy.t")).toEqual([{ n: "0" }]);
  await expect(branch()).rejects.toMatchObject({ code: "exists" });
});

test("abandoned builds are swept, active ones are left", async () => {
  await cluster.sql(
    `CREATE SCHEMA ikigai_build_left; ${register("ikigai_build_left", "ikigai:build")}; CREATE TABLE ikigai_build_left.t (a int)`,
  );
  await cluster.sql(
    `CREATE SCHEMA ikigai_build_used; ${register("ikigai_build_used", "ikigai:build")}; CREATE SCHEMA ikigai_build_foreign`,
  );
  const builder = await cluster.connect();
  await builder.query("SELECT pg_advisory_lock(hashtextextended('ikigai_build_used', 0))");
  const client = await cluster.connect();
  expect(await sweepBuilds(client)).toEqual(["ikigai_build_left"]);
  await builder.end();
  await expect.poll(() => sweepBuilds(client)).toEqual(["ikigai_build_used"]);
  await client.query("DROP SCHEMA ikigai_build_foreign");
  await client.end();
});
