import { spawn } from "node:child_process";
import { once } from "node:events";
import type pg from "pg";
import { Postgres } from "../src/host/postgres/client.ts";
import { restoreSchema, retireSchema } from "../src/host/postgres/retired.ts";
import { prepareDatabase } from "../src/host/postgres/schemas.ts";
import { retiredName } from "../src/model/schema-mark.ts";
import { branchSchema, claimReserve, keepReserve } from "../src/schema-branch/index.ts";
import { type Cluster, startCluster } from "../test/branch/cluster.ts";
import { benchSchema, SHAPE } from "./branch-schema.ts";
import type { Bench } from "./harness/bench.ts";
import { rounds } from "./harness/rounds.ts";
import type { Measured, Row } from "./harness/row.ts";

const BASE = "wt_b";
const BRANCH = { base: BASE, target: "wt_t", owner: "wt_t", mark: "ikigai:bench" };
const DROP = "DROP SCHEMA wt_t CASCADE; DROP OWNED BY wt_t; DROP ROLE wt_t";
const WHAT = `${SHAPE.tables} tables, ${SHAPE.indexes} indexes, ${SHAPE.foreignKeys} foreign keys`;

async function timed(work: () => Promise<unknown>): Promise<number> {
  const began = performance.now();
  await work();
  return performance.now() - began;
}

/** Starts a separate server with the schema, so that no row waits for a checkpoint of another one. */
async function withBase<T>(
  megabytes: number,
  work: (cluster: Cluster, client: pg.Client) => Promise<T>,
): Promise<T> {
  const cluster = await startCluster(["fsync=on", "max_wal_size=4GB", "max_connections=40"]);
  try {
    const client = await cluster.connect();
    await client.query(
      `CREATE ROLE ${BASE}; CREATE SCHEMA ${BASE} AUTHORIZATION ${BASE}; SET ROLE ${BASE}`,
    );
    for (const sql of benchSchema(BASE, megabytes)) await client.query(sql);
    await client.query("RESET ROLE");
    await client.query("VACUUM ANALYZE");
    const result = await work(cluster, client);
    await client.end();
    return result;
  } finally {
    await cluster.stop();
  }
}

async function branchOnce(
  cluster: Cluster,
  client: pg.Client,
  mode: "data" | "structure",
): Promise<number> {
  await client.query("CREATE ROLE wt_t");
  await client.query("CHECKPOINT");
  const took = await timed(() => branchSchema(cluster.connect, { ...BRANCH, mode }));
  await client.query(DROP);
  return took;
}

async function dumpAndRestore(cluster: Cluster, database: string): Promise<void> {
  const common = ["-h", "127.0.0.1", "-p", String(cluster.port), "-U", "ikigai"];
  const dump = spawn(cluster.program("pg_dump"), [...common, "-n", BASE, "ikigai"], {
    stdio: ["ignore", "pipe", "inherit"],
  });
  const args = [...common, "-q", "-d", database, "-o", "/dev/null"];
  const restore = spawn(cluster.program("psql"), args, {
    stdio: [dump.stdout, "inherit", "inherit"],
  });
  const [[code]] = await Promise.all([once(restore, "exit"), once(dump, "exit")]);
  if (code !== 0) throw new Error(`psql ended with ${code}`);
}

/** Measures both sides on one server, in turn; reports the copy of a template database beside them. */
function withRows(megabytes: number): Promise<Measured> {
  return withBase(megabytes, async (cluster, client) => {
    await client.query("CREATE DATABASE model");
    await dumpAndRestore(cluster, "model");
    const anew = async (sql: string, work: () => Promise<unknown>) => {
      await client.query("CHECKPOINT");
      if (sql !== "") await client.query(sql);
      const took = await timed(work);
      await client.query("DROP DATABASE copied");
      return took;
    };
    const { ikigai, baseline, template } = await rounds(megabytes > 200 ? 3 : 5, {
      ikigai: () => branchOnce(cluster, client, "data"),
      baseline: () => anew("CREATE DATABASE copied", () => dumpAndRestore(cluster, "copied")),
      template: () => anew("", () => client.query("CREATE DATABASE copied TEMPLATE model")),
    });
    const notes = ["a template's copy works only while nobody is connected to the base"];
    return { ikigai, baseline, peers: { "CREATE DATABASE … TEMPLATE": template }, notes };
  });
}

function structure(): Promise<Measured> {
  return withBase(1, (cluster, client) =>
    rounds(15, { ikigai: () => branchOnce(cluster, client, "structure") }),
  );
}

function claim(megabytes: number): Promise<Measured> {
  return withBase(megabytes, (cluster, client) =>
    rounds(10, {
      ikigai: async () => {
        await keepReserve(cluster.connect, BASE);
        const result = { claimed: false };
        const took = await timed(async () =>
          Object.assign(result, await claimReserve(client, BRANCH)),
        );
        if (!result.claimed) throw new Error(JSON.stringify(result));
        await client.query(DROP);
        return took;
      },
    }),
  );
}

/** Measures all that the daemon does: clock, ending connections and the attempt to drop an empty schema. */
function retire(): Promise<Measured> {
  return withBase(1, async (cluster, client) => {
    await client.query("CREATE ROLE wt_t");
    await branchSchema(cluster.connect, { ...BRANCH, mode: "data" });
    const [row] = (await client.query<{ data_directory: string }>("SHOW data_directory")).rows;
    const postgres = new Postgres({
      host: "127.0.0.1",
      port: cluster.port,
      password: () => "",
      data: row?.data_directory ?? "",
    });
    try {
      await prepareDatabase(postgres);
      return await rounds(15, {
        ikigai: async () => {
          const at = new Date();
          const took = await timed(async () => {
            const kept = await retireSchema(postgres, MARK, at);
            if (kept !== "retired") throw new Error(kept);
          });
          await restoreSchema(postgres, retiredName(MARK.worktree, at), MARK, "");
          return took;
        },
      });
    } finally {
      await postgres.end();
    }
  });
}

const MARK = { worktree: "t", identity: "bench", secret: "bench" };

const MANY = 1_000;

/** Adds as many schemas of 25 tables as a project with a thousand worktrees has. */
async function crowd(bench: Bench, client: pg.Client): Promise<void> {
  bench.say(`making ${MANY} schemas`);
  const tables = Array.from(
    { length: SHAPE.tables },
    (_, at) =>
      `CREATE TABLE t${at} (id int GENERATED ALWAYS AS IDENTITY PRIMARY KEY, a int, b text); CREATE INDEX ON t${at} (a)`,
  ).join("; ");
  for (let made = 0; made < MANY; made++)
    await client.query(
      `CREATE SCHEMA wt_n${made}; SET search_path = wt_n${made}; ${tables}; RESET search_path`,
    );
  await client.query("VACUUM ANALYZE");
}

function amongMany(bench: Bench): Promise<Measured> {
  return withBase(1, (few, client) =>
    withBase(1, async (many, crowded) => {
      await crowd(bench, crowded);
      return rounds(10, {
        baseline: () => branchOnce(few, client, "structure"),
        ikigai: () => branchOnce(many, crowded, "structure"),
      });
    }),
  );
}

/** One start each, since preparing a crash with that many files takes long. */
function crash(bench: Bench): Promise<Measured> {
  return withBase(1, async (cluster, client) => {
    const dirty =
      "CREATE TABLE IF NOT EXISTS public.dirty (n int); INSERT INTO public.dirty VALUES (1)";
    await client.query(dirty);
    const few = await timed(() => cluster.crash());
    const other = await cluster.connect();
    await crowd(bench, other);
    const starts: number[] = [];
    for (let round = 0; round < 3; round++) {
      await cluster.sql(dirty);
      starts.push(await timed(() => cluster.crash()));
    }
    return { ikigai: starts, notes: [`with one schema: ${(few / 1000).toFixed(1)} s`] };
  });
}

const rowsOf = (megabytes: number): Row => ({
  name: `branch-${megabytes}`,
  title: `a branch of ${megabytes} MB in ${WHAT}`,
  baseline: "pg_dump | psql",
  unit: "ms",
  // At least 1.5 times as fast.
  target: { kind: "times", most: 0.667 },
  slow: megabytes > 10,
  run: () => withRows(megabytes),
});

const claimOf = (megabytes: number): Row => ({
  name: `branch-claim-${megabytes}`,
  title: `the same from the reserve, ${megabytes} MB`,
  unit: "ms",
  target: { kind: "most", value: 50 },
  slow: megabytes > 10,
  run: () => claim(megabytes),
});

export const rows: readonly Row[] = [
  {
    name: "branch-structure",
    title: `a branch without rows of ${WHAT}`,
    unit: "ms",
    target: { kind: "most", value: 150 },
    run: structure,
  },
  ...[10, 100, 500].map(rowsOf),
  ...[10, 500].map(claimOf),
  {
    name: "branch-retire",
    title: "putting a schema aside",
    unit: "ms",
    target: { kind: "most", value: 15 },
    run: retire,
  },
  {
    name: "branch-among-1000",
    title: "a branch without rows among 1,000 schemas",
    baseline: "alone",
    unit: "ms",
    target: { kind: "times", most: 1.2 },
    slow: true,
    run: amongMany,
  },
  {
    name: "branch-crash-1000",
    title: "the server's start after a crash, 1,000 schemas",
    unit: "ms",
    target: { kind: "most", value: 30_000 },
    slow: true,
    run: crash,
  },
];
