import type pg from "pg";
import { afterAll, afterEach, beforeAll, expect, test } from "vitest";
import { BranchError, branchSchema, sweepBuilds } from "../../src/schema-branch/index.ts";
import { type Cluster, startCluster } from "./cluster.ts";
import { checksums } from "./compare.ts";

let cluster: Cluster;

beforeAll(async () => {
  cluster = await startCluster();
  await cluster.sql(`CREATE ROLE wt_copy LOGIN; SET ROLE wt_main; SET search_path = wt_main;
    CREATE TABLE account (id int PRIMARY KEY, balance bigint NOT NULL);
    INSERT INTO account SELECT i, 1000 FROM generate_series(1, 500) i;
    CREATE TABLE invoice (id serial PRIMARY KEY, account int NOT NULL REFERENCES account, note text);
    CREATE TABLE line (id bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY, invoice int NOT NULL REFERENCES invoice, n int);
    INSERT INTO invoice (account, note) SELECT 1 + i % 500, repeat('x', 200) FROM generate_series(1, 60000) i;
    INSERT INTO line (invoice, n) SELECT i, i FROM generate_series(1, 60000) i;
    CREATE INDEX ON invoice (note, account)`);
});
afterAll(() => cluster?.stop());
afterEach(async () => {
  await cluster.sql("DROP SCHEMA IF EXISTS wt_copy CASCADE");
});

type More = Partial<Parameters<typeof branchSchema>[1]>;
const branch = (more: More = {}, connect = cluster.connect) =>
  branchSchema(connect, {
    base: "wt_main",
    target: "wt_copy",
    owner: "wt_copy",
    mode: "data",
    mark: "ikigai:wt copy",
    ...more,
  });

const leftovers = async () =>
  (
    await cluster.rows<{ name: string }>(
      "SELECT nspname AS name FROM pg_namespace WHERE nspname LIKE 'ikigai\\_build%' OR nspname = 'wt_copy'",
    )
  ).map((row) => row.name);

/** Connects clients that run `at` just before the first statement that begins with `start`. */
function interposed(start: string, at: () => Promise<void>): () => Promise<pg.Client> {
  let done = false;
  return async () => {
    const client = await cluster.connect();
    const query = client.query.bind(client) as (
      text: unknown,
      values?: unknown,
    ) => Promise<unknown>;
    const around = async (text: unknown, values?: unknown) => {
      if (!done && String(text).startsWith(start)) {
        done = true;
        await at();
      }
      return query(text, values);
    };
    client.query = around as typeof client.query;
    return client;
  };
}

test("a branch taken during writes is consistent", async () => {
  let writing = true;
  const writers = Array.from({ length: 3 }, async (_, at) => {
    const client = await cluster.connect();
    let count = 0;
    for (; writing; count++) {
      const from = 1 + ((count * 7 + at) % 500);
      const to = 1 + ((count * 13 + at * 5) % 500);
      // In the order of their keys, so that writers do not deadlock.
      const [a, b] = from < to ? [from, to] : [to, from];
      await client.query(`BEGIN; UPDATE wt_main.account SET balance = balance - 1 WHERE id = ${a}; UPDATE wt_main.account SET balance = balance + 1 WHERE id = ${b};
        WITH i AS (INSERT INTO wt_main.invoice (account, note) VALUES (${a}, 'new') RETURNING id) INSERT INTO wt_main.line (invoice, n) SELECT id, 1 FROM i; COMMIT`);
      await client.query("BEGIN; DELETE FROM wt_main.line WHERE n = 1 AND invoice % 3 = 0; COMMIT");
    }
    await client.end();
    return count;
  });
  for (let round = 0; round < 3; round++) {
    await branch();
    const [row] =
      await cluster.rows(`SELECT (SELECT sum(balance) FROM wt_copy.account)::int AS total,
      (SELECT count(*) FROM wt_copy.line l LEFT JOIN wt_copy.invoice i ON i.id = l.invoice WHERE i.id IS NULL)::int AS orphans,
      (SELECT count(*) FROM wt_copy.invoice i LEFT JOIN wt_copy.account a ON a.id = i.account WHERE a.id IS NULL)::int AS strays,
      (SELECT last_value FROM wt_copy.invoice_id_seq) >= (SELECT max(id) FROM wt_copy.invoice) AS ahead,
      (SELECT last_value FROM wt_copy.line_id_seq) >= (SELECT max(id) FROM wt_copy.line) AS ahead_too`);
    expect(row).toEqual({ total: 500_000, orphans: 0, strays: 0, ahead: true, ahead_too: true });
    await cluster.sql("DROP SCHEMA wt_copy CASCADE");
  }
  writing = false;
  for (const count of await Promise.all(writers)) expect(count).toBeGreaterThan(3);
});

test("the parent can be read, written and migrated while our transaction has renamed it", async () => {
  const other = async () => {
    const client = await cluster.connect();
    await client.query("SET lock_timeout = '2s'; SET statement_timeout = '5s'");
    await client.query(`SELECT count(*) FROM wt_main.account; UPDATE wt_main.account SET balance = balance WHERE id = 1;
      CREATE TABLE wt_main.aside (a int); ALTER TABLE wt_main.aside ADD b int; CREATE INDEX ON wt_main.aside (b); CREATE FUNCTION wt_main.f() RETURNS int LANGUAGE sql AS 'SELECT 1';
      DROP FUNCTION wt_main.f(); CREATE VIEW wt_main.v AS SELECT * FROM wt_main.account; DROP VIEW wt_main.v; DROP TABLE wt_main.aside`);
    await client.end();
  };
  // The definitions are read between these two statements.
  await branch({}, interposed("ROLLBACK TO SAVEPOINT ikigai_survey", other)).catch(
    (error: unknown) => {
      expect(error).toBeUndefined();
    },
  );
  expect(await checksums(cluster, "wt_copy")).toEqual(await checksums(cluster, "wt_main"));
});

test("a structure that changes while it is read is read again", async () => {
  const define = (result: number) =>
    cluster.sql(
      `CREATE OR REPLACE FUNCTION wt_main.late() RETURNS int LANGUAGE sql AS 'SELECT ${result}'`,
    );
  await define(1);
  await branch(
    {},
    interposed("ROLLBACK TO SAVEPOINT ikigai_survey", () => define(2)),
  );
  expect(await cluster.rows("SELECT wt_copy.late() AS f")).toEqual([{ f: 2 }]);
  await cluster.sql("DROP FUNCTION wt_main.late()");
});

test("a function dropped while definitions are read is no error", async () => {
  await cluster.sql("CREATE FUNCTION wt_main.gone() RETURNS int LANGUAGE sql AS 'SELECT 1'");
  await branch(
    {},
    interposed("UPDATE pg_catalog.pg_namespace", () => cluster.sql("DROP FUNCTION wt_main.gone()")),
  );
  expect(await cluster.rows("SELECT to_regproc('wt_copy.gone') AS gone")).toEqual([{ gone: null }]);
});

test("a migration that holds its locks is named, and a retry succeeds after it", async () => {
  const migration = await cluster.connect();
  await migration.query("SET application_name = 'migrate'");
  await migration.query("BEGIN; ALTER TABLE wt_main.line ADD COLUMN extra int");
  const error = await branch({ lockTimeoutMs: 200 }).catch((cause: unknown) => cause);
  expect(error).toBeInstanceOf(BranchError);
  expect(error).toMatchObject({ code: "busy", retryable: true });
  expect(String(error)).toMatch(
    /line is locked by process \d+ \(migrate, role ikigai, .*ALTER TABLE wt_main\.line ADD COLUMN extra/,
  );
  await migration.query("COMMIT");
  await migration.end();
  await branch();
  expect(await leftovers()).toEqual(["wt_copy"]);
});

test("a migration that starts waiting during the copy does not block others for good", async () => {
  let migrated: Promise<void> | undefined;
  const migrate = async () => {
    migrated = cluster.sql("ALTER TABLE wt_main.account ADD COLUMN late int");
    await expect
      .poll(
        async () =>
          (
            await cluster.rows(
              "SELECT FROM pg_locks WHERE NOT granted AND mode = 'AccessExclusiveLock'",
            )
          ).length,
      )
      .toBe(1);
  };
  await branch({}, interposed('ALTER ROLE "ikigai_build_', migrate));
  expect(migrated).toBeDefined();
  await migrated;
  expect(
    await cluster.rows(
      "SELECT count(*)::int AS n FROM pg_attribute WHERE attrelid = 'wt_copy.account'::regclass AND attname = 'late'",
    ),
  ).toEqual([{ n: 0 }]);
});

test("branches of one parent made at once are all complete", async () => {
  const names = Array.from({ length: 5 }, (_, at) => `wt_p${at}`);
  for (const name of names) await cluster.sql(`CREATE ROLE ${name}`);
  await Promise.all(names.map((name) => branch({ target: name, owner: name })));
  const base = await checksums(cluster, "wt_main");
  for (const name of names) {
    expect(await checksums(cluster, name)).toEqual(base);
    await cluster.sql(`DROP SCHEMA ${name} CASCADE`);
  }
});

test.each(["structure", "rows", "indexes", "publish"])(
  "a client killed at %s leaves a complete branch or none",
  async (phase) => {
    const clients: pg.Client[] = [];
    let killed = false;
    const connect = async () => {
      if (killed) throw new Error("dead");
      const client = await cluster.connect();
      clients.push(client);
      return client;
    };
    const kill = () => {
      killed = true;
      // As the kernel closes the sockets of a process that got SIGKILL.
      for (const client of clients)
        (
          client as unknown as { connection: { stream: { destroy: () => void } } }
        ).connection.stream.destroy();
    };
    const result = await branch(
      { onProgress: (p) => void (p.phase === phase && !killed && kill()) },
      connect,
    ).catch((error: unknown) => error);
    expect(killed).toBe(true);
    expect(result).toBeInstanceOf(Error);
    const client = await cluster.connect();
    await expect
      .poll(
        async () => {
          await sweepBuilds(client);
          return (await leftovers()).filter((name) => name !== "wt_copy");
        },
        { timeout: 20_000 },
      )
      .toEqual([]);
    await client.end();
    if ((await leftovers()).includes("wt_copy"))
      expect(await checksums(cluster, "wt_copy")).toEqual(await checksums(cluster, "wt_main"));
  },
);

test.each(["structure", "rows", "indexes", "publish"])(
  "a server killed at %s leaves a complete branch or none",
  async (phase) => {
    let crash: Promise<void> | undefined;
    const onProgress: More["onProgress"] = (p) => {
      if (p.phase === phase) crash ??= cluster.crash();
    };
    await branch({ onProgress }).catch((error: unknown) =>
      expect(error).toBeInstanceOf(BranchError),
    );
    expect(crash).toBeDefined();
    await crash;
    const client = await cluster.connect();
    await sweepBuilds(client);
    await client.end();
    const left = await leftovers();
    expect(left.filter((name) => name !== "wt_copy")).toEqual([]);
    if (left.length > 0)
      expect(await checksums(cluster, "wt_copy")).toEqual(await checksums(cluster, "wt_main"));
  },
);

test("a cancelled branch ends at once and leaves nothing behind", async () => {
  const stop = new AbortController();
  const error = await branch({
    signal: stop.signal,
    onProgress: (p) => void (p.phase === "rows" && stop.abort()),
  }).catch((cause: unknown) => cause);
  expect(error).toMatchObject({ code: "aborted" });
  expect(await leftovers()).toEqual([]);
});
