import { execFile, spawn } from "node:child_process";
import { once } from "node:events";
import { mkdir, writeFile } from "node:fs/promises";
import { promisify } from "node:util";
import type pg from "pg";
import { branchSchema, claimReserve, dropReserve, keepReserve } from "../src/host/branch/index.ts";
import { type Cluster, startCluster } from "../test/branch/cluster.ts";
import { benchSchema } from "./branch-schema.ts";

/** One measured thing: milliseconds, and how it compares with another of the same run. */
interface Row {
  readonly name: string;
  readonly size: string;
  readonly median: number;
  readonly min: number;
  readonly max: number;
  readonly rounds: number;
  readonly ratio?: string;
}

const SIZES = (process.env.IKIGAI_BENCH_SIZES ?? "10,100,500")
  .split(",")
  .map(Number)
  .filter((size) => size > 0);
const SCHEMAS = (process.env.IKIGAI_BENCH_SCHEMAS ?? "1,100,1000")
  .split(",")
  .map(Number)
  .filter((count) => count > 0);
const rows: Row[] = [];

/** Written after each part, so that a part that fails does not take the others along. */
async function write(): Promise<void> {
  await mkdir("bench/results", { recursive: true });
  await writeFile("bench/results/branch.json", `${JSON.stringify(rows, null, 2)}\n`);
}

async function measure(round: () => Promise<unknown>): Promise<number> {
  const started = performance.now();
  await round();
  return performance.now() - started;
}

function record(name: string, size: string, times: readonly number[], ratio?: string): number {
  const sorted = [...times].sort((a, b) => a - b);
  const median = sorted[Math.floor(sorted.length / 2)] ?? Number.NaN;
  const row = {
    name,
    size,
    median,
    min: sorted[0] ?? 0,
    max: sorted.at(-1) ?? 0,
    rounds: times.length,
  };
  rows.push(ratio === undefined ? row : { ...row, ratio });
  const spread = `${row.min.toFixed(1)} to ${row.max.toFixed(1)}`;
  console.log(
    `${name.padEnd(34)} ${size.padStart(12)} ${median.toFixed(1).padStart(9)} ms  (${spread}) ${ratio ?? ""}`,
  );
  return median;
}

async function dumpAndRestore(cluster: Cluster, schema: string, database: string): Promise<void> {
  const common = ["-h", "127.0.0.1", "-p", String(cluster.port), "-U", "ikigai"];
  const dump = spawn(cluster.program("pg_dump"), [...common, "-n", schema, "ikigai"], {
    stdio: ["ignore", "pipe", "inherit"],
  });
  const restore = spawn(
    cluster.program("psql"),
    [...common, "-q", "-d", database, "-o", "/dev/null"],
    { stdio: [dump.stdout, "inherit", "inherit"] },
  );
  const [[code]] = await Promise.all([once(restore, "exit"), once(dump, "exit")]);
  if (code !== 0) throw new Error(`psql ended with ${code}`);
}

async function sizeRows(cluster: Cluster, client: pg.Client, megabytes: number): Promise<void> {
  const base = `wt_b${megabytes}`;
  await client.query(
    `CREATE ROLE ${base} SUPERUSER; CREATE SCHEMA ${base} AUTHORIZATION ${base}; SET ROLE ${base}`,
  );
  for (const sql of benchSchema(base, megabytes)) await client.query(sql);
  await client.query("RESET ROLE");
  await client.query("VACUUM ANALYZE");
  const size = await client.query<{ size: string }>(
    "SELECT pg_size_pretty(sum(pg_total_relation_size(oid))) AS size FROM pg_class WHERE relkind = 'r' AND relnamespace = $1::regnamespace",
    [base],
  );
  const label = size.rows[0]?.size ?? "";
  await client.query("CREATE DATABASE model");
  await dumpAndRestore(cluster, base, "model");
  const rounds = megabytes > 200 ? 3 : 5;
  const times = {
    data: [] as number[],
    dump: [] as number[],
    template: [] as number[],
    structure: [] as number[],
    claim: [] as number[],
    retire: [] as number[],
  };
  const branch = (mode: "data" | "structure") =>
    branchSchema(cluster.connect, {
      base,
      target: "wt_t",
      owner: "wt_t",
      mode,
      mark: "ikigai:bench",
    });
  for (let round = 0; round < rounds; round++) {
    await client.query("CREATE ROLE wt_t");
    await client.query("CHECKPOINT");
    times.data.push(await measure(() => branch("data")));
    times.retire.push(
      await measure(() =>
        client.query(
          "BEGIN; ALTER SCHEMA wt_t RENAME TO ikigai_retired_t; ALTER ROLE wt_t RENAME TO ikigai_retired_t; COMMENT ON SCHEMA ikigai_retired_t IS 'ikigai:retired'; COMMIT",
        ),
      ),
    );
    await client.query(
      "DROP SCHEMA ikigai_retired_t CASCADE; ALTER ROLE ikigai_retired_t RENAME TO wt_t",
    );
    await client.query("CHECKPOINT");
    await client.query("CREATE DATABASE restored");
    times.dump.push(await measure(() => dumpAndRestore(cluster, base, "restored")));
    await client.query("DROP DATABASE restored");
    await client.query("CHECKPOINT");
    times.template.push(await measure(() => client.query("CREATE DATABASE copied TEMPLATE model")));
    await client.query("DROP DATABASE copied");
    times.structure.push(await measure(() => branch("structure")));
    await client.query("DROP SCHEMA wt_t CASCADE; DROP ROLE wt_t");
    await keepReserve(cluster.connect, base);
    times.claim.push(
      await measure(async () => {
        const claim = await claimReserve(client, {
          base,
          target: "wt_t",
          owner: "wt_t",
          mark: "ikigai:bench",
        });
        if (!claim.claimed || claim.copied.length > 0) throw new Error(JSON.stringify(claim));
      }),
    );
    await client.query("DROP SCHEMA wt_t CASCADE; DROP ROLE wt_t");
  }
  await dropReserve(client, base);
  const data = record("branch, structure and rows", label, times.data);
  const dump = record(
    "pg_dump | psql",
    label,
    times.dump,
    `${(median(times.dump) / data).toFixed(2)} times the branch`,
  );
  const template = record(
    "CREATE DATABASE … TEMPLATE",
    label,
    times.template,
    `${(median(times.template) / data).toFixed(2)} times the branch`,
  );
  if (dump + template === 0) throw new Error("nothing was measured");
  record("branch, structure alone", label, times.structure);
  record("claim of the reserve", label, times.claim);
  record("retire", label, times.retire);
  await client.query("DROP DATABASE model");
  await client.query(`DROP SCHEMA ${base} CASCADE; DROP ROLE ${base}`);
}

function median(times: readonly number[]): number {
  return [...times].sort((a, b) => a - b)[Math.floor(times.length / 2)] ?? Number.NaN;
}

/** What a branch, and the server's start after a crash, cost beside many other schemas. */
async function schemaRows(
  cluster: Cluster,
  counts: readonly number[],
  method: string,
): Promise<void> {
  const base = "wt_b10";
  let client = await cluster.connect();
  await client.query(
    `CREATE ROLE ${base} SUPERUSER; CREATE SCHEMA ${base} AUTHORIZATION ${base}; SET ROLE ${base}`,
  );
  for (const sql of benchSchema(base, 10)) await client.query(sql);
  await client.query("RESET ROLE; CREATE ROLE wt_t");
  let made = 1;
  for (const count of counts) {
    for (; made < count; made++)
      await client.query(
        `CREATE SCHEMA wt_n${made}; SET search_path = wt_n${made}; ${Array.from({ length: 25 }, (_, at) => `CREATE TABLE t${at} (id int GENERATED ALWAYS AS IDENTITY PRIMARY KEY, a int, b text); CREATE INDEX ON t${at} (a)`).join("; ")}; RESET search_path`,
      );
    await client.query("VACUUM ANALYZE");
    const times = { structure: [] as number[], data: [] as number[] };
    for (let round = 0; round < 5; round++)
      for (const mode of ["structure", "data"] as const) {
        times[mode].push(
          await measure(() =>
            branchSchema(cluster.connect, {
              base,
              target: "wt_t",
              owner: "wt_t",
              mode,
              mark: "ikigai:bench",
            }),
          ),
        );
        await client.query("DROP SCHEMA wt_t CASCADE");
      }
    const label = `${count} schemas`;
    record("branch, structure alone", label, times.structure);
    record("branch, 10 MB", label, times.data);
    await client.query("CREATE TABLE IF NOT EXISTS public.dirty AS SELECT 1 AS a");
    await client.end();
    record(`start after a crash, ${method}`, label, [await measure(() => cluster.crash())]);
    client = await cluster.connect();
  }
  await client.end();
}

const started = await promisify(execFile)("nproc");
console.log(`${started.stdout.trim()} cores; 25 tables, 57 indexes, 23 foreign keys; fsync on`);
// One bench must not wait for checkpoints that another's rows caused.
const settings = ["fsync=on", "max_wal_size=4GB", "max_connections=40"];
const cluster = await startCluster(settings);
try {
  const client = await cluster.connect();
  for (const megabytes of SIZES) await sizeRows(cluster, client, megabytes);
  await client.end();
} finally {
  await write();
  await cluster.stop();
}
for (const method of SCHEMAS.length > 0 ? ["syncfs"] : []) {
  const many = await startCluster([...settings, `recovery_init_sync_method=${method}`]);
  try {
    await schemaRows(many, SCHEMAS, method);
  } finally {
    await write();
    await many.stop();
  }
}
