import { afterAll, beforeAll, expect, test } from "vitest";
import {
  branchSchema,
  claimReserve,
  keepReserve,
  sweepBuilds,
} from "../../src/schema-branch/index.ts";
import { register } from "../../src/schema-branch/registry.ts";
import { type Cluster, startCluster } from "./cluster.ts";

let cluster: Cluster;

/**
 * Every kind of definition that can call a function, created by a worktree's role. Each call records
 * in a table of its schema which role it ran as, its role after RESET ROLE, and what it could read.
 */
const TRAP = `
CREATE TABLE witness (place text, who text, super boolean, neighbour boolean, program boolean);
CREATE FUNCTION tell(place text) RETURNS boolean LANGUAGE plpgsql VOLATILE AS $f$
  DECLARE super boolean; neighbour boolean := true; program boolean := true;
  BEGIN
    BEGIN EXECUTE 'RESET ROLE'; EXCEPTION WHEN OTHERS THEN END;
    SELECT bool_or(rolsuper) INTO super FROM pg_roles WHERE rolname IN (session_user, current_user);
    BEGIN EXECUTE 'SELECT FROM wt_third.secret'; EXCEPTION WHEN insufficient_privilege THEN neighbour := false; END;
    BEGIN EXECUTE $$COPY (SELECT 1) TO PROGRAM 'cat > /dev/null'$$; EXCEPTION WHEN insufficient_privilege THEN program := false; END;
    IF super OR neighbour OR program THEN RAISE EXCEPTION 'TRAPPED % as % %', place, session_user, current_user; END IF;
    INSERT INTO witness VALUES (place, session_user || ' ' || current_user, super, neighbour, program);
    RETURN true;
  EXCEPTION WHEN undefined_table THEN RETURN true; -- its schema is being built
  END $f$;
CREATE FUNCTION calls(n int, place text) RETURNS int LANGUAGE sql IMMUTABLE BEGIN ATOMIC SELECT CASE WHEN tell(place) THEN n END; END;
CREATE FUNCTION same(int, int) RETURNS boolean LANGUAGE sql IMMUTABLE BEGIN ATOMIC SELECT calls($1, 'operator') = $2; END;
CREATE OPERATOR === (FUNCTION = same, LEFTARG = int, RIGHTARG = int);
CREATE DOMAIN odd AS int CHECK (calls(VALUE, 'domain') = VALUE);
CREATE DOMAIN even AS int CHECK (VALUE === VALUE);
CREATE TYPE pair AS (a even, b int);
CREATE TABLE generated (a int, b int GENERATED ALWAYS AS (calls(a, 'generated')) STORED);
CREATE TABLE folded (a int, b int GENERATED ALWAYS AS (a + calls(1, 'generated constant')) STORED);
CREATE TABLE checked (a int CHECK (calls(a, 'check') = a), b int CHECK (b === b));
CREATE TABLE domained (a odd, b even);
CREATE TABLE indexed (a int, r regclass);
CREATE UNIQUE INDEX ON indexed ((calls(a, 'index')));
CREATE INDEX ON indexed ((a + calls(1, 'index constant'))) WHERE calls(a, 'predicate') > 0;
CREATE TABLE excluded (a int, EXCLUDE USING btree ((calls(a, 'exclusion')) WITH =));
CREATE TABLE defaulted (a int, b int DEFAULT calls(1, 'default'), c int DEFAULT calls(2, 'default'));
CREATE TABLE parted (a int) PARTITION BY RANGE ((a + calls(1, 'partition key')));
CREATE TABLE part PARTITION OF parted FOR VALUES FROM (0) TO (100);
CREATE STATISTICS counted ON (calls(1, 'statistics') + a), a FROM indexed;
CREATE AGGREGATE gathered(even) (SFUNC = array_append, STYPE = even[], INITCOND = '{7}');
CREATE FUNCTION later(x even[] DEFAULT '{8}') RETURNS text LANGUAGE sql AS 'SELECT $$wt_main$$::text';
CREATE VIEW looked AS SELECT '(9,1)'::pair AS a, calls(1, 'view') AS b FROM generated;
CREATE MATERIALIZED VIEW kept AS SELECT a, calls(a, 'materialized view') AS b FROM generated;
CREATE INDEX ON kept ((calls(a, 'index of a materialized view')));
CREATE SEQUENCE numbers;
CREATE FUNCTION act() RETURNS trigger LANGUAGE plpgsql AS $f$ BEGIN PERFORM tell('trigger'); RETURN NEW; END $f$;
CREATE TRIGGER acts BEFORE INSERT ON defaulted FOR EACH ROW WHEN (calls(1, 'trigger') = 1) EXECUTE FUNCTION act();
CREATE RULE also AS ON INSERT TO indexed WHERE calls(1, 'rule') > 1 DO ALSO NOTHING;
CREATE POLICY few ON generated USING (tell('policy')); ALTER TABLE generated ENABLE ROW LEVEL SECURITY;
INSERT INTO generated VALUES (1), (2); INSERT INTO folded VALUES (1); INSERT INTO checked VALUES (1, 1);
INSERT INTO domained VALUES (1, 2);
INSERT INTO indexed VALUES (1, 'pg_class'); INSERT INTO excluded VALUES (1), (2);
INSERT INTO defaulted VALUES (1); INSERT INTO parted VALUES (1);
REFRESH MATERIALIZED VIEW kept; TRUNCATE witness;
`;

beforeAll(async () => {
  cluster = await startCluster(["fsync=off", "autovacuum=off"]);
  await cluster.sql(`CREATE ROLE wt_third; CREATE SCHEMA wt_third AUTHORIZATION wt_third;
    CREATE TABLE wt_third.secret (); CREATE ROLE wt_data; CREATE ROLE wt_bare`);
  await cluster.sql(`SET search_path = wt_main; ${TRAP}`, "wt_main");
});
afterAll(() => cluster?.stop());

/** Returns where functions ran while a schema was made, and as which role. */
async function witnesses(...schemas: string[]): Promise<{ place: string; who: string }[]> {
  const tables = schemas.map((schema) => `SELECT place, who FROM ${schema}.witness`);
  return cluster.rows(`${tables.join(" UNION ALL ")} ORDER BY 1, 2`);
}

async function nothingLeft(): Promise<void> {
  expect(
    await cluster.rows(
      "SELECT nspname FROM pg_namespace WHERE nspname ~ '^ikigai_build' UNION SELECT rolname FROM pg_roles WHERE rolname ~ '^ikigai_build'",
    ),
  ).toEqual([]);
  expect(
    await cluster.rows(
      "SELECT FROM pg_db_role_setting s WHERE NOT EXISTS (SELECT FROM pg_roles WHERE oid = setrole)",
    ),
  ).toEqual([]);
}

const WORKER = /^ikigai_build_[0-9a-f]{12} (?:ikigai_build_[0-9a-f]{12}|ikigai_reserve_main)$/;

test.each(["data", "structure"] as const)(
  "no function of the base runs with more than a worker's rights in a branch: %s",
  async (mode) => {
    const target = mode === "data" ? "wt_data" : "wt_bare";
    await branchSchema(cluster.connect, {
      ...{ base: "wt_main", target, owner: target, mode, mark: "ikigai:x" },
    });
    const seen = await witnesses(target);
    const places = new Set(seen.map(({ place }) => place));
    const early = ["generated constant", "index constant", "operator", "partition key"];
    const rows = ["domain", "exclusion", "generated", "index", "materialized view", "predicate"];
    const ran = mode === "data" ? [...early, ...rows] : early;
    expect([...places]).toEqual(expect.arrayContaining(ran));
    for (const { who } of seen) expect(who).toMatch(WORKER);
    await nothingLeft();
  },
);

test("nor in a reserve, when it is updated or claimed", async () => {
  expect(await keepReserve(cluster.connect, "wt_main")).toMatchObject({ state: "built" });
  const change = () =>
    cluster.sql(
      "SET search_path = wt_main; UPDATE indexed SET a = a + 1; INSERT INTO folded VALUES (2); REFRESH MATERIALIZED VIEW kept; TRUNCATE witness; SELECT nextval('numbers')",
      "wt_main",
    );
  await change();
  expect(await keepReserve(cluster.connect, "wt_main")).toMatchObject({ state: "refreshed" });
  await change();
  const client = await cluster.connect();
  const claim = await claimReserve(client, {
    ...{ base: "wt_main", target: "wt_claimed", owner: "wt_claimed", mark: "ikigai:x" },
  });
  await client.end();
  expect(claim).toMatchObject({ claimed: true });
  const seen = await witnesses("wt_claimed");
  expect(seen.map(({ place }) => place)).toContain("generated constant");
  for (const { who } of seen) expect(who).toMatch(WORKER);
  await nothingLeft();
});

test("an object of another role is not given to that role after a function has changed it", async () => {
  await cluster.sql(
    "CREATE ROLE wt_forged; CREATE FUNCTION wt_main.owners() RETURNS text LANGUAGE sql SECURITY DEFINER AS 'SELECT current_user::text'",
  );
  await cluster.sql(
    `SET search_path = wt_main;
     CREATE FUNCTION forge() RETURNS int LANGUAGE plpgsql AS $f$ BEGIN
       IF session_user LIKE 'ikigai_build%' THEN
         EXECUTE format('CREATE OR REPLACE FUNCTION %I.owners() RETURNS text LANGUAGE sql SECURITY DEFINER AS $$SELECT ''forged''$$', session_user);
       END IF; RETURN 1; END $f$;
     CREATE MATERIALIZED VIEW forging AS SELECT forge()`,
    "wt_main",
  );
  const options = { base: "wt_main", target: "wt_forged", owner: "wt_forged", mark: "ikigai:x" };
  await expect(branchSchema(cluster.connect, { ...options, mode: "data" })).rejects.toThrow(
    "The function owners() was changed while it was built, by a function of wt_main.",
  );
  await nothingLeft();
  await cluster.sql("DROP MATERIALIZED VIEW wt_main.forging", "wt_main");
  await branchSchema(cluster.connect, { ...options, mode: "data" });
  const owner = "SELECT pg_get_userbyid(proowner) AS owner FROM pg_proc WHERE proname = 'owners'";
  expect(await cluster.rows(owner)).toEqual([{ owner: "ikigai" }, { owner: "ikigai" }]);
});

test("the remains of a killed build are swept: its role, rights and views", async () => {
  await cluster.sql(
    `CREATE ROLE ikigai_build_dead BYPASSRLS; COMMENT ON ROLE ikigai_build_dead IS 'ikigai:build'; GRANT wt_main TO ikigai_build_dead;
     ALTER ROLE ikigai_build_dead SET session_replication_role = replica;
     CREATE SCHEMA ikigai_build_dead_lens; ${register("ikigai_build_dead_lens", "ikigai:build")}; CREATE ROLE ikigai_build_theirs`,
  );
  const client = await cluster.connect();
  expect(await sweepBuilds(client)).toEqual(["ikigai_build_dead"]);
  await client.query("DROP ROLE ikigai_build_theirs");
  await client.end();
  await nothingLeft();
});
