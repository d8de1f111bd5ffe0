import { readFile } from "node:fs/promises";
import { fileURLToPath } from "node:url";
import { afterAll, beforeAll, expect, test } from "vitest";
import {
  branchSchema,
  dependents,
  diffSchemas,
  refusals,
  surveySchema,
} from "../../src/schema-branch/index.ts";
import { type Cluster, startCluster } from "./cluster.ts";
import { checksums, normalised } from "./compare.ts";

let cluster: Cluster;

beforeAll(async () => {
  cluster = await startCluster();
  await cluster.sql(
    await readFile(fileURLToPath(new URL("./torture.sql", import.meta.url)), "utf8"),
  );
  await cluster.sql("CREATE ROLE wt_copy LOGIN; CREATE ROLE wt_bare LOGIN");
  await branchSchema(cluster.connect, {
    base: "wt_main",
    target: "wt_copy",
    owner: "wt_copy",
    mode: "data",
    mark: "ikigai:wt copy",
  });
  await branchSchema(cluster.connect, {
    base: "wt_main",
    target: "wt_bare",
    owner: "wt_bare",
    mode: "structure",
    mark: "ikigai:wt bare",
  });
});
afterAll(() => cluster?.stop());

test("a dump of the branch equals a dump of its base", async () => {
  const [base, copy] = await Promise.all([cluster.dump("wt_main"), cluster.dump("wt_copy")]);
  expect(normalised(copy, "wt_copy")).toBe(normalised(base, "wt_main"));
});

test("a dump of a branch without rows equals a dump of its base's structure", async () => {
  const [base, bare] = await Promise.all([
    cluster.dump("wt_main", "-s"),
    cluster.dump("wt_bare", "-s"),
  ]);
  expect(normalised(bare, "wt_bare")).toBe(normalised(base, "wt_main"));
});

test("the rows of every table are the same, also those that a dump leaves out", async () => {
  expect(await checksums(cluster, "wt_copy")).toEqual(await checksums(cluster, "wt_main"));
});

const COUNTERS = [
  "count_unqualified()",
  "count_qualified()",
  "count_quoted()",
  "count_atomic()",
  "count_path()",
  "count_dynamic()",
  "count_regclass()",
  "count_set()",
  "(SELECT count(*) FROM people(0))",
  "(SELECT count(*) FROM all_people())",
];

test("functions of the branch read the branch's data, those of the parent the parent's", async () => {
  const counts = async (schema: string) => {
    const client = await cluster.connect();
    try {
      await client.query(`SET search_path = ${schema}, extensions`);
      const { rows } = await client.query<Record<string, string>>(
        `SELECT ${COUNTERS.map((call, at) => `${call.startsWith("(") ? call : `${schema}.${call}`} AS c${at}`).join(", ")}`,
      );
      return new Set(Object.values(rows[0] ?? {}));
    } finally {
      await client.end();
    }
  };
  expect(await counts("wt_copy")).toEqual(await counts("wt_main"));
  const before = await checksums(cluster, "wt_main");
  await cluster.sql(
    "SET search_path = wt_copy, extensions; CALL add_person(77); CALL add_person(78)",
  );
  expect([...(await counts("wt_copy"))]).toEqual(["302"]);
  expect([...(await counts("wt_main"))]).toEqual(["300"]);
  expect(await checksums(cluster, "wt_main")).toEqual(before);
  await cluster.sql("SET search_path = wt_main, extensions; CALL add_person(79)");
  expect([...(await counts("wt_copy"))]).toEqual(["302"]);
  expect([...(await counts("wt_main"))]).toEqual(["301"]);
});

test("the branch's role works in its branch and cannot reach the base", async () => {
  await cluster.sql(
    "SET search_path = wt_copy, extensions; INSERT INTO person (mail) VALUES ('r@x.y'); UPDATE event SET payload = 'mine'; REFRESH MATERIALIZED VIEW totals",
    "wt_copy",
  );
  await expect(cluster.sql("SELECT * FROM wt_main.person", "wt_copy")).rejects.toThrow(
    /permission denied/,
  );
});

test("sequences have exactly the positions of the parent's", async () => {
  const [row] = await cluster.rows<{ last_value: string }>("SELECT last_value FROM wt_copy.loose");
  expect(BigInt(row?.last_value ?? 0)).toBeGreaterThan(9007199254740993n);
});

test("nothing of the branch depends on the base, nor the base on it", async () => {
  const client = await cluster.connect();
  try {
    expect(await dependents(client, "wt_main")).toEqual([]);
    expect(await dependents(client, "wt_copy")).toEqual([]);
  } finally {
    await client.end();
  }
});

test("the structures do not differ", async () => {
  const client = await cluster.connect();
  try {
    expect((await diffSchemas(client, "wt_main", "wt_copy")).differences).toEqual([]);
  } finally {
    await client.end();
  }
});

test("every object that any catalog files under the schema is built", async () => {
  const client = await cluster.connect();
  try {
    const survey = await surveySchema(client, "wt_main");
    expect(refusals(survey)).toEqual([]);
    const { rows: catalogs } = await client.query<{ catalog: string; space: string }>(
      `SELECT c.relname AS catalog, a.attname AS space FROM pg_class c JOIN pg_attribute a ON a.attrelid = c.oid
        WHERE c.relnamespace = 'pg_catalog'::regnamespace AND c.relkind = 'r' AND a.attname LIKE '%namespace' AND a.attnum > 0
          AND EXISTS (SELECT FROM pg_attribute o WHERE o.attrelid = c.oid AND o.attname = 'oid')`,
    );
    expect(catalogs.length).toBeGreaterThan(14);
    for (const { catalog, space } of catalogs) {
      const { rows } = await client.query<{ key: string; name: string }>(
        `SELECT '${catalog}:' || oid AS key, pg_describe_object('${catalog}'::regclass, oid, 0) AS name FROM ${catalog}
          WHERE ${space} = 'wt_main'::regnamespace`,
      );
      expect(rows.filter((row) => !survey.built.has(row.key))).toEqual([]);
    }
  } finally {
    await client.end();
  }
});
