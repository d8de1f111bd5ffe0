import { readFile } from "node:fs/promises";
import { fileURLToPath } from "node:url";
import { afterAll, beforeAll, expect, test } from "vitest";
import {
  branchSchema,
  type Claim,
  claimReserve,
  keepReserve,
} from "../../src/schema-branch/index.ts";
import { allVisible } from "../../src/schema-branch/reserve/proof.ts";
import { type Cluster, startCluster } from "./cluster.ts";
import { checksums, normalised } from "./compare.ts";

let cluster: Cluster;
let claims = 0;

beforeAll(async () => {
  // Nothing but a test may change the visibility map.
  cluster = await startCluster(["fsync=off", "autovacuum=off"]);
  await cluster.sql(
    await readFile(fileURLToPath(new URL("./torture.sql", import.meta.url)), "utf8"),
  );
});
afterAll(() => cluster?.stop());

async function claim(): Promise<Claim & { target: string }> {
  const target = `wt_claim${++claims}`;
  const client = await cluster.connect();
  try {
    const options = { base: "wt_main", target, owner: target, mark: `ikigai:${target}` };
    return { ...(await claimReserve(client, options)), target };
  } finally {
    await client.end();
  }
}

const SCRATCH = "scratch"; // unlogged: cannot be proven, so it is always copied
const keep = () => keepReserve(cluster.connect, "wt_main");

async function equalsBase(target: string): Promise<void> {
  expect(await checksums(cluster, target)).toEqual(await checksums(cluster, "wt_main"));
  const [base, copy] = [await cluster.dump("wt_main"), await cluster.dump(target)];
  expect(normalised(copy, target)).toBe(normalised(base, "wt_main"));
}

test("pages are all-visible only where each of them is", () => {
  expect(allVisible(null, 0)).toBe(true);
  expect(allVisible(null, 1)).toBe(false);
  expect(allVisible(Uint8Array.of(0b0101_0111, 0b01), 5)).toBe(true);
  expect(allVisible(Uint8Array.of(0b0101_1001, 0b01), 5)).toBe(false);
});

test("without a reserve there is nothing to claim", async () => {
  expect(await claim()).toMatchObject({ claimed: false, reason: "there is no reserve" });
});

test("tables whose triggers act on every copy make the reserve useless once they change", async () => {
  expect(await keep()).toMatchObject({ state: "built" });
  const reason = `triggers, rules, checks or another owner would act on or stop rows of ${SCRATCH}`;
  expect(await claim()).toMatchObject({ claimed: false, reason });
  await cluster.sql(
    "DROP TRIGGER t_always ON wt_main.scratch; DROP TRIGGER t_replica ON wt_main.scratch",
  );
  expect(await claim()).toMatchObject({
    claimed: false,
    reason: "the base's structure has changed",
  });
});

test("a claimed reserve equals its parent and is independent of it", async () => {
  expect(await keep()).toMatchObject({ state: "built" });
  expect(await keep()).toMatchObject({ state: "fresh" });
  const result = await claim();
  expect(result).toMatchObject({ claimed: true, copied: [SCRATCH] });
  await equalsBase(result.target);
  const [row] = await cluster.rows<{ n: string; owner: string }>(
    `SELECT ${result.target}.count_qualified() AS n, pg_get_userbyid(nspowner) AS owner FROM pg_namespace WHERE nspname = $1`,
    [result.target],
  );
  expect(row).toEqual({ n: "300", owner: result.target });
  expect(await claim()).toMatchObject({ claimed: false });
});

test("changed tables are copied again, also after a vacuum", async () => {
  await keep();
  await cluster.sql(`UPDATE wt_main.person SET amount = amount + 1 WHERE id = 200`);
  await cluster.sql(
    "INSERT INTO wt_main.log (what) VALUES ('later'); DELETE FROM wt_main.event_note WHERE e < 20",
  );
  await cluster.sql("SELECT nextval('wt_main.untouched')");
  await cluster.sql("VACUUM wt_main.person");
  const result = await claim();
  expect(result.claimed && [...result.copied].sort()).toEqual([
    "event_note_0",
    "event_note_1",
    "log",
    "person",
    SCRATCH,
  ]);
  await equalsBase(result.target);
});

test("a change that shows only as a log position in the visibility map is noticed", async () => {
  await cluster.sql(
    "CREATE TABLE wt_main.same (n int); INSERT INTO wt_main.same SELECT generate_series(1, 100)",
    "wt_main",
  );
  await cluster.sql("VACUUM (FREEZE) wt_main.same");
  await keep();
  const facts = () =>
    cluster.rows(
      "SELECT relfilenode, pg_relation_size(oid) AS size, relpages, reltuples FROM pg_class WHERE oid = 'wt_main.same'::regclass",
    );
  const before = await facts();
  await cluster.sql("UPDATE wt_main.same SET n = -n WHERE n = 7");
  await cluster.sql("VACUUM (FREEZE) wt_main.same");
  expect(await facts()).toEqual(before);
  const result = await claim();
  expect(result).toMatchObject({ claimed: true, copied: [SCRATCH, "same"] });
  await equalsBase(result.target);
});

test("keeping a reserve updates single tables, and survives a crash", async () => {
  await keep();
  await cluster.sql(
    "UPDATE wt_main.person SET amount = 5 WHERE id = 150; REFRESH MATERIALIZED VIEW wt_main.totals",
  );
  expect(await keep()).toEqual({ state: "refreshed", reserve: "ikigai_reserve_main" });
  expect(await keep()).toMatchObject({ state: "fresh" });
  await cluster.sql("UPDATE wt_main.booking SET room = 77 WHERE room = 1");
  await cluster.crash();
  const result = await claim();
  // The crash emptied the unlogged table; the update was replayed.
  expect(result).toMatchObject({ claimed: true, copied: [SCRATCH, "booking"] });
  await equalsBase(result.target);
});

test("a table that had a dead row is proven again, and takes no more space than the parent's", async () => {
  await cluster.sql(
    `CREATE TABLE wt_main.many (id int PRIMARY KEY, pad text);
     CREATE TABLE wt_main.named (id int PRIMARY KEY REFERENCES wt_main.many);
     INSERT INTO wt_main.many SELECT n, repeat('x', 100) FROM generate_series(1, 20000) n;
     INSERT INTO wt_main.named SELECT generate_series(1, 20000)`,
    "wt_main",
  );
  await keep();
  // Far fewer pages than would make VACUUM scan the index.
  await cluster.sql(
    "DELETE FROM wt_main.named WHERE id = 500; UPDATE wt_main.many SET pad = pad WHERE id = 7; DELETE FROM wt_main.many WHERE id = 500",
    "wt_main",
  );
  expect(await keep()).toEqual({ state: "refreshed", reserve: "ikigai_reserve_main" });
  expect(await keep()).toMatchObject({ state: "fresh" });
  const [size] = await cluster.rows<{ base: number; copy: number }>(
    `SELECT pg_relation_size('wt_main.many')::int AS base, pg_relation_size('ikigai_reserve_main.many')::int AS copy`,
  );
  expect(size?.copy).toBeLessThanOrEqual(size?.base ?? 0);
  const result = await claim();
  expect(result).toMatchObject({ claimed: true, copied: [SCRATCH] });
  await equalsBase(result.target);
});

test("rows that cannot be proven because of an old snapshot are reported", async () => {
  await keep();
  const reader = await cluster.connect();
  await reader.query("BEGIN ISOLATION LEVEL REPEATABLE READ; SELECT FROM pg_class");
  await cluster.sql("DELETE FROM wt_main.named WHERE id = 9", "wt_main");
  expect(await keep()).toMatchObject({ state: "refreshed", unproven: ["named"] });
  await reader.end();
  expect(await keep()).toEqual({ state: "refreshed", reserve: "ikigai_reserve_main" });
});

test("a reserve is rebuilt after many changes, and not filled twice", async () => {
  await cluster.sql(
    `CREATE TABLE wt_main.big (id int, pad text); ALTER TABLE wt_main.big ALTER pad SET STORAGE EXTERNAL;
     INSERT INTO wt_main.big SELECT n, repeat('x', 8000) FROM generate_series(1, 3500) n`,
    "wt_main",
  );
  await keep();
  await cluster.sql("UPDATE wt_main.big SET id = 0 WHERE id = 1", "wt_main");
  const reason = "too much of the base has changed";
  expect(await claim()).toMatchObject({ claimed: false, reason });
  expect(await keep()).toMatchObject({ state: "built", reason });
  const result = await claim();
  expect(result).toMatchObject({ claimed: true, copied: [SCRATCH] });
  await equalsBase(result.target);
  await cluster.sql("DROP TABLE wt_main.big", "wt_main");
});

test("a change that is not committed is not in the branch, nor lost to the next one", async () => {
  await keep();
  const writer = await cluster.connect();
  await writer.query("BEGIN; UPDATE wt_main.person SET amount = 9 WHERE id = 160");
  const first = await claim();
  expect(first).toMatchObject({ claimed: true });
  await equalsBase(first.target);
  await keep();
  await writer.query("COMMIT");
  await writer.end();
  const second = await claim();
  expect(second).toMatchObject({ claimed: true });
  await equalsBase(second.target);
});

test("a changed structure, or a role of that name, leaves everything as it is", async () => {
  await keep();
  await cluster.sql(`CREATE ROLE wt_claim${claims + 1}`);
  expect(await claim()).toMatchObject({ claimed: false });
  await cluster.sql("ALTER TABLE wt_main.same ADD COLUMN m int DEFAULT 3");
  expect(await claim()).toMatchObject({
    claimed: false,
    reason: "the base's structure has changed",
  });
  expect(await keep()).toMatchObject({ state: "built" });
  const result = await claim();
  expect(result).toMatchObject({ claimed: true });
  await equalsBase(result.target);
});

test("a claim that cannot get its role keeps no lock on its connection", async () => {
  await keep();
  await cluster.sql("ALTER ROLE ikigai_reserve_main RENAME TO astray");
  const client = await cluster.connect();
  try {
    const target = { base: "wt_main", target: "wt_none", owner: "wt_none", mark: "ikigai:none" };
    const reason = expect.stringContaining('role "ikigai_reserve_main" does not exist');
    expect(await claimReserve(client, target)).toMatchObject({ claimed: false, reason });
    const held = "SELECT FROM pg_locks WHERE locktype = 'advisory' AND pid = pg_backend_pid()";
    expect((await client.query(held)).rowCount).toBe(0);
  } finally {
    await client.end();
    await cluster.sql("ALTER ROLE astray RENAME TO ikigai_reserve_main");
  }
});

test("what the parent shares is reported for a claimed branch too", async () => {
  await cluster.sql(`CREATE FOREIGN DATA WRAPPER far; CREATE SERVER away FOREIGN DATA WRAPPER far;
    CREATE FOREIGN TABLE wt_main.there (id int) SERVER away`);
  try {
    await keep();
    const note = expect.stringMatching(/\bthere: the rows of this foreign table stay those of/);
    expect(await claim()).toMatchObject({ claimed: true, note });
  } finally {
    await cluster.sql("DROP FOREIGN TABLE wt_main.there");
  }
});

/** Returns every access list of a schema, default ones included, with the branch's name normalised. */
async function privileges(schema: string): Promise<string[]> {
  const rows = await cluster.rows<{ line: string }>(
    `SELECT concat_ws(' ', what, acl::text) AS line FROM (
       SELECT 'schema', nspacl FROM pg_namespace WHERE oid = $1::regnamespace
       UNION ALL SELECT relkind::text || ' ' || relname, relacl FROM pg_class WHERE relnamespace = $1::regnamespace
       UNION ALL SELECT relname || '.' || attname, attacl FROM pg_attribute a JOIN pg_class c ON c.oid = a.attrelid WHERE relnamespace = $1::regnamespace AND attacl IS NOT NULL
       UNION ALL SELECT proname || ' ' || oidvectortypes(proargtypes), proacl FROM pg_proc WHERE pronamespace = $1::regnamespace
       UNION ALL SELECT 'type ' || typname, typacl FROM pg_type WHERE typnamespace = $1::regnamespace
       UNION ALL SELECT 'default of ' || pg_get_userbyid(defaclrole) || ' for ' || defaclobjtype::text, defaclacl FROM pg_default_acl WHERE defaclnamespace = $1::regnamespace
     ) x(what, acl) ORDER BY 1`,
    [schema],
  );
  return rows.map(({ line }) => line.replaceAll(schema, "OWNER")).toSorted();
}

test("privileges of a claimed branch are those of a fresh one, to the last grantor", async () => {
  await cluster.sql(`ALTER DEFAULT PRIVILEGES FOR ROLE clerk IN SCHEMA wt_main GRANT SELECT ON SEQUENCES TO reader;
    ALTER DEFAULT PRIVILEGES FOR ROLE wt_main IN SCHEMA wt_main REVOKE EXECUTE ON FUNCTIONS FROM reader;
    GRANT wt_main TO clerk; GRANT CREATE ON SCHEMA wt_main TO clerk WITH GRANT OPTION`);
  await keep();
  const claimed = await claim();
  expect(claimed.claimed).toBe(true);
  await cluster.sql("CREATE ROLE wt_fresh");
  await branchSchema(cluster.connect, {
    ...{ base: "wt_main", target: "wt_fresh", owner: "wt_fresh" },
    ...{ mode: "data", mark: "ikigai:fresh" },
  });
  const fresh = await privileges("wt_fresh");
  expect(fresh.length).toBeGreaterThan(100);
  expect(fresh).toContainEqual(expect.stringMatching(/^default of clerk for S \{reader=r\/clerk/));
  expect(await privileges(claimed.target)).toEqual(fresh);
  expect(await privileges("wt_main")).toEqual(fresh);
  // Objects that the roles create later get the same.
  for (const schema of [claimed.target, "wt_fresh"])
    await cluster.sql(`SET ROLE ${schema}; CREATE TABLE ${schema}.later (id serial)`);
  const later = await privileges(claimed.target);
  expect(later).toContainEqual(expect.stringMatching(/^r later \{.*reader=r\/OWNER/));
  expect(later).toEqual(await privileges("wt_fresh"));
});
