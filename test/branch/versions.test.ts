import { afterAll, beforeAll, describe, expect, test } from "vitest";
import {
  branchSchema,
  claimReserve,
  diffSchemas,
  keepReserve,
  surveySchema,
} from "../../src/schema-branch/index.ts";
import { type Cluster, startCluster } from "./cluster.ts";
import { checksums, normalised } from "./compare.ts";

let cluster: Cluster;
let version = 0;

beforeAll(async () => {
  cluster = await startCluster();
  const [row] = await cluster.rows<{ version: string }>(
    "SELECT current_setting('server_version_num') AS version",
  );
  version = Math.floor(Number(row?.version) / 10_000);
  await cluster.sql(
    "CREATE EXTENSION btree_gist SCHEMA extensions; CREATE EXTENSION pageinspect SCHEMA extensions; CREATE ROLE reader; GRANT USAGE ON SCHEMA extensions TO PUBLIC",
  );
});
afterAll(() => cluster?.stop());

const COPY = { base: "wt_main", target: "wt_copy", owner: "wt_copy", mark: "ikigai:wt copy" };

/** Checks that a branch, a structure and a claimed reserve of a schema with these objects equal it. */
async function comesAlong(sql: string, change: string): Promise<void> {
  await cluster.sql(
    "DROP SCHEMA IF EXISTS wt_copy CASCADE; DROP SCHEMA wt_main CASCADE; DROP ROLE IF EXISTS wt_copy; CREATE SCHEMA wt_main AUTHORIZATION wt_main; CREATE ROLE wt_copy",
  );
  await cluster.sql(`SET ROLE wt_main; SET search_path = wt_main, extensions; ${sql}`);
  for (const mode of ["structure", "data"] as const) {
    await cluster.sql("DROP SCHEMA IF EXISTS wt_copy CASCADE");
    await branchSchema(cluster.connect, { ...COPY, mode });
    await isEqual(mode === "structure" ? ["-s"] : []);
  }
  expect(await checksums(cluster, "wt_copy")).toEqual(await checksums(cluster, "wt_main"));
  const client = await cluster.connect();
  try {
    expect((await diffSchemas(client, "wt_main", "wt_copy")).differences).toEqual([]);
    expect(await keepReserve(cluster.connect, "wt_main")).not.toMatchObject({
      state: "unavailable",
    });
    await client.query(change);
    await client.query("DROP SCHEMA wt_copy CASCADE; DROP ROLE wt_copy");
    expect(await claimReserve(client, COPY)).toMatchObject({ claimed: true });
  } finally {
    await client.end();
  }
  await isEqual([]);
  expect(await checksums(cluster, "wt_copy")).toEqual(await checksums(cluster, "wt_main"));
}

async function isEqual(options: readonly string[]): Promise<void> {
  const [base, copy] = await Promise.all([
    cluster.dump("wt_main", ...options),
    cluster.dump("wt_copy", ...options),
  ]);
  expect(normalised(copy, "wt_copy")).toBe(normalised(base, "wt_main"));
}

const NOTHING = "SELECT 1";

/** First version; name; statements that create it; statements that change its rows. */
const KINDS: readonly (readonly [number, string, string, string])[] = [
  [
    16,
    "rules of a collation and constructors of JSON",
    `CREATE COLLATION odd (provider = icu, locale = 'und', rules = '&a < g');
     CREATE TABLE t (a text COLLATE odd, j jsonb); INSERT INTO t VALUES ('g', '{"a": 1}');
     CREATE VIEW v AS SELECT json_object('a' : a) AS o, j IS JSON OBJECT AS is_one, json_arrayagg(a) AS list FROM t GROUP BY a, j`,
    "INSERT INTO wt_main.t VALUES ('b', NULL)",
  ],
  [
    17,
    "identity columns and exclusion constraints of partitioned tables",
    `CREATE TABLE p (id bigint GENERATED ALWAYS AS IDENTITY (START 5), at date NOT NULL, EXCLUDE USING gist (id WITH =, at WITH =)) PARTITION BY RANGE (at);
     CREATE TABLE p1 PARTITION OF p FOR VALUES FROM ('2020-01-01') TO ('2021-01-01');
     CREATE TABLE p2 (at date NOT NULL, id bigint NOT NULL);
     ALTER TABLE p ATTACH PARTITION p2 DEFAULT;
     INSERT INTO p (at) VALUES ('2020-05-05'), ('2025-01-01')`,
    "INSERT INTO wt_main.p (at) VALUES ('2020-06-06')",
  ],
  [
    17,
    "collations of the builtin provider, MERGE, JSON_TABLE and MAINTAIN",
    `CREATE COLLATION plain (provider = builtin, locale = 'C.UTF-8');
     CREATE TABLE t (a text COLLATE plain PRIMARY KEY, n int); GRANT MAINTAIN ON t TO reader;
     INSERT INTO t VALUES ('a', 1);
     CREATE FUNCTION put(text) RETURNS text LANGUAGE sql BEGIN ATOMIC
       MERGE INTO t USING (SELECT $1 AS a) s ON t.a = s.a WHEN MATCHED THEN UPDATE SET n = n + 1
         WHEN NOT MATCHED THEN INSERT VALUES (s.a, 1) RETURNING merge_action(); END;
     CREATE VIEW v AS SELECT * FROM JSON_TABLE('[1, 2]'::jsonb, '$[*]' COLUMNS (x int PATH '$'))`,
    "SELECT wt_main.put('b')",
  ],
  [
    17,
    "NOT NULL of a domain by its name, with a comment",
    `CREATE DOMAIN d AS int CONSTRAINT must_be NOT NULL CONSTRAINT positive CHECK (VALUE > 0);
     COMMENT ON CONSTRAINT must_be ON DOMAIN d IS 'never'; COMMENT ON CONSTRAINT positive ON DOMAIN d IS 'more';
     CREATE TABLE t (a d); INSERT INTO t VALUES (1)`,
    "INSERT INTO wt_main.t VALUES (2)",
  ],
  [
    18,
    "virtual columns",
    `CREATE TABLE t (a int, twice int GENERATED ALWAYS AS (a * 2) VIRTUAL, kept int GENERATED ALWAYS AS (a * 3) STORED, plain int GENERATED ALWAYS AS (a + 1));
     INSERT INTO t (a) SELECT generate_series(1, 9);
     CREATE TABLE child (own int) INHERITS (t); INSERT INTO child (a, own) VALUES (7, 7);
     CREATE TABLE p (a int, b int GENERATED ALWAYS AS (a + 1) VIRTUAL) PARTITION BY LIST (a);
     CREATE TABLE p1 PARTITION OF p (b GENERATED ALWAYS AS (a + 2)) FOR VALUES IN (1); INSERT INTO p (a) VALUES (1);
     CREATE VIEW v AS SELECT twice FROM t`,
    "UPDATE wt_main.t SET a = a + 1",
  ],
  [
    18,
    "names, inheritance and comments of NOT NULL",
    `CREATE TABLE t (a int CONSTRAINT "must ""be" NOT NULL, b int NOT NULL NO INHERIT, c serial, d int GENERATED ALWAYS AS IDENTITY, e int PRIMARY KEY);
     COMMENT ON CONSTRAINT "must ""be" ON t IS 'always';
     CREATE TABLE child (own int CONSTRAINT mine NOT NULL) INHERITS (t);
     CREATE TABLE grandchild (a int CONSTRAINT again NOT NULL) INHERITS (child);
     CREATE TABLE a (b_c int NOT NULL); CREATE TABLE a_b (c int NOT NULL);
     CREATE TYPE ct AS (x int, y int); CREATE TABLE typed OF ct (x WITH OPTIONS CONSTRAINT there NOT NULL);
     CREATE TABLE p (a int CONSTRAINT pn NOT NULL) PARTITION BY LIST (a);
     CREATE TABLE p1 (a int CONSTRAINT other NOT NULL); ALTER TABLE p ATTACH PARTITION p1 DEFAULT;
     INSERT INTO t (a, b, e) VALUES (1, 2, 3); INSERT INTO child (a, d, e, own) VALUES (1, 2, 3, 4); INSERT INTO p VALUES (1)`,
    "UPDATE wt_main.t SET b = 9",
  ],
  [
    18,
    "NOT NULL that is not proven",
    `CREATE TABLE t (a int, b int); INSERT INTO t VALUES (NULL, 1); CREATE TABLE child () INHERITS (t); INSERT INTO child VALUES (NULL, 2);
     ALTER TABLE child ADD CONSTRAINT of_child NOT NULL a NOT VALID; ALTER TABLE t ADD CONSTRAINT of_t NOT NULL a NOT VALID;
     CREATE TABLE alone (a int); INSERT INTO alone VALUES (NULL); ALTER TABLE alone ADD CONSTRAINT n NOT NULL a NO INHERIT NOT VALID;
     CREATE TABLE p (a int, b int) PARTITION BY LIST (a); CREATE TABLE p1 PARTITION OF p FOR VALUES IN (1); INSERT INTO p VALUES (1, NULL);
     ALTER TABLE p ADD CONSTRAINT later NOT NULL b NOT VALID`,
    NOTHING,
  ],
  [
    18,
    "keys and references over time",
    `CREATE TABLE room (id int, during daterange, PRIMARY KEY (id, during WITHOUT OVERLAPS), name text, UNIQUE (name, during WITHOUT OVERLAPS));
     CREATE TABLE stay (room int, during daterange, who text, FOREIGN KEY (room, PERIOD during) REFERENCES room);
     INSERT INTO room SELECT i, daterange('2020-01-01', '2021-01-01'), 'r' || i FROM generate_series(1, 5) i;
     INSERT INTO stay SELECT i, daterange('2020-02-01', '2020-03-01'), 'x' FROM generate_series(1, 5) i;
     CREATE TABLE p (id int, at daterange, CONSTRAINT pk PRIMARY KEY (id, at WITHOUT OVERLAPS)) PARTITION BY LIST (id);
     CREATE TABLE p1 PARTITION OF p DEFAULT; INSERT INTO p VALUES (1, '[2020-01-01,2020-02-01)')`,
    "UPDATE wt_main.stay SET who = 'y'",
  ],
  [
    18,
    "constraints that are not enforced, and references of partitioned tables that are not proven",
    `CREATE TABLE t (id int PRIMARY KEY, a int CONSTRAINT wish CHECK (a > 0) NOT ENFORCED, up int CONSTRAINT hope REFERENCES t NOT ENFORCED);
     INSERT INTO t VALUES (1, -1, 77);
     CREATE TABLE p (t int, k int) PARTITION BY LIST (k); CREATE TABLE p1 PARTITION OF p DEFAULT; INSERT INTO p VALUES (99, 1);
     ALTER TABLE p ADD CONSTRAINT someday FOREIGN KEY (t) REFERENCES t NOT VALID;
     CREATE TABLE q (t int CONSTRAINT loosely REFERENCES t NOT ENFORCED) PARTITION BY LIST (t); CREATE TABLE q1 PARTITION OF q DEFAULT; INSERT INTO q VALUES (55)`,
    "UPDATE wt_main.t SET a = -2",
  ],
  [
    18,
    "RETURNING of old and new rows",
    `CREATE TABLE t (a int); INSERT INTO t VALUES (1);
     CREATE FUNCTION up() RETURNS TABLE (was int, is_now int) LANGUAGE sql BEGIN ATOMIC UPDATE t SET a = a + 1 RETURNING old.a, new.a; END`,
    "SELECT wt_main.up()",
  ],
];

describe.each(KINDS)("PostgreSQL %i:", (since, what, sql, change) => {
  test(`${what} are branched completely`, async ({ skip }) => {
    skip(version < since, `PostgreSQL ${version} has none`);
    await comesAlong(sql, change);
  });
});

test("an event trigger at login keeps the parent's function, and that is reported", async ({
  skip,
}) => {
  skip(version < 17, `PostgreSQL ${version} has none`);
  await cluster.sql(
    "CREATE FUNCTION wt_main.entered() RETURNS event_trigger LANGUAGE plpgsql AS 'BEGIN END'; CREATE EVENT TRIGGER entered ON login EXECUTE FUNCTION wt_main.entered()",
  );
  const client = await cluster.connect();
  try {
    expect((await surveySchema(client, "wt_main")).notes).toContainEqual({
      object: "entered",
      text: "it stays with the base's function",
    });
  } finally {
    await client.query("DROP EVENT TRIGGER entered");
    await client.end();
  }
});
