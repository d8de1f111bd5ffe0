import { readFile } from "node:fs/promises";
import { fileURLToPath } from "node:url";
import type pg from "pg";
import { afterAll, beforeAll, expect, test } from "vitest";
import { claimReserve, keepReserve, sweepBuilds } from "../../src/schema-branch/index.ts";
import { type Cluster, startCluster } from "./cluster.ts";
import { checksums, normalised } from "./compare.ts";

let cluster: Cluster;

beforeAll(async () => {
  cluster = await startCluster();
  await cluster.sql(
    await readFile(fileURLToPath(new URL("./samples.sql", import.meta.url)), "utf8"),
  );
  await cluster.sql("SET ROLE wt_main; CREATE TABLE wt_main.counter AS SELECT 0 AS n");
});
afterAll(() => cluster?.stop());

type Connect = () => Promise<pg.Client>;

/** Connects clients whose statements are counted together; `at` runs before the statement of that number. */
function counted(number: number, at: (clients: readonly pg.Client[]) => Promise<void> | void) {
  const clients: pg.Client[] = [];
  const seen = { count: 0 };
  let dead = false;
  const connect: Connect = async () => {
    if (dead) throw new Error("dead");
    const client = await cluster.connect();
    clients.push(client);
    const query = client.query.bind(client) as (...args: unknown[]) => Promise<unknown>;
    const around = async (...args: unknown[]) => {
      seen.count++;
      if (seen.count === number) {
        dead = true;
        await at(clients);
      }
      return query(...args);
    };
    client.query = around as typeof client.query;
    return client;
  };
  return {
    connect,
    seen,
    end: () => Promise.all(clients.map((each) => each.end().catch(() => {}))),
  };
}

/** As the kernel closes the sockets of a process that got SIGKILL. */
function cut(clients: readonly pg.Client[]): void {
  for (const client of clients)
    (
      client as unknown as { connection: { stream: { destroy: () => void } } }
    ).connection.stream.destroy();
}

const WAYS: readonly (readonly [
  string,
  (clients: readonly pg.Client[]) => Promise<void> | void,
])[] = [
  ["the daemon", cut],
  ["the server", () => cluster.crash("SIGKILL")],
];

const change = () =>
  cluster.sql("UPDATE wt_main.counter SET n = n + 1; INSERT INTO wt_main.counter VALUES (7)");
const options = { base: "wt_main", target: "wt_new", owner: "wt_new", mark: "ikigai:new" };

async function claim(connect: Connect): Promise<boolean> {
  return (await claimReserve(await connect(), options)).claimed;
}

/** Waits until the killed connections have ended and what they began has been swept. */
async function settled(): Promise<void> {
  const others =
    "SELECT FROM pg_stat_activity WHERE backend_type = 'client backend' AND pid <> pg_backend_pid()";
  await expect.poll(async () => (await cluster.rows(others)).length, { timeout: 20_000 }).toBe(0);
  const client = await cluster.connect();
  await sweepBuilds(client);
  await client.end();
}

const UNUSED_ROLES =
  "SELECT rolname FROM pg_roles WHERE rolname LIKE 'ikigai%_%' AND NOT EXISTS (SELECT FROM pg_namespace WHERE nspname = rolname)";

/** Expects the branch to be complete or absent. */
async function allOrNothing(): Promise<boolean> {
  const found = await cluster.rows<{ name: string }>(
    "SELECT nspname AS name FROM pg_namespace WHERE nspname ~ '^(wt_new|ikigai_build)' UNION ALL SELECT rolname FROM pg_roles WHERE rolname = 'wt_new'",
  );
  if (found.length === 0) return false;
  expect(found.map(({ name }) => name)).toEqual(["wt_new", "wt_new"]);
  await equalsBase("wt_new");
  await cluster.sql("DROP SCHEMA wt_new CASCADE; DROP OWNED BY wt_new; DROP ROLE wt_new");
  return true;
}

async function equalsBase(target: string): Promise<void> {
  expect(await checksums(cluster, target)).toEqual(await checksums(cluster, "wt_main"));
  const [base, copy] = [await cluster.dump("wt_main"), await cluster.dump(target)];
  expect(normalised(copy, target)).toBe(normalised(base, "wt_main"));
}

/** Picks numbers up to `most`, fewer for a slower way of dying, the last two included. */
function some(most: number, way: string): number[] {
  const all = Array.from({ length: most }, (_, at) => at + 1);
  return way === "the daemon" ? all : all.filter((at) => at % 4 === 2 || at >= most - 1);
}

test.each(WAYS)(
  "%s killed at any statement of a claim leaves a complete branch or none",
  async (way, kill) => {
    await keepReserve(cluster.connect, "wt_main");
    await change();
    const whole = counted(0, () => {});
    expect(await claim(whole.connect)).toBe(true);
    await whole.end();
    expect(await allOrNothing()).toBe(true);
    for (const number of some(whole.seen.count, way)) {
      await keepReserve(cluster.connect, "wt_main");
      await change();
      const before = await checksums(cluster, "wt_main");
      const cutOff = counted(number, kill);
      await claim(cutOff.connect);
      await cutOff.end();
      await settled();
      await allOrNothing();
      expect(await checksums(cluster, "wt_main")).toEqual(before);
    }
  },
  170_000,
);

test.each(WAYS)(
  "%s killed at any statement of keeping leaves a provable reserve, or none",
  async (way, kill) => {
    const runs = [
      [
        "built",
        "ALTER TABLE wt_main.counter ADD COLUMN IF NOT EXISTS m int; ALTER TABLE wt_main.counter DROP COLUMN m",
      ],
      ["refreshed", "SELECT 1"],
    ] as const;
    for (const [state, restructure] of runs) {
      const prepare = async () => {
        await keepReserve(cluster.connect, "wt_main");
        await change();
        await cluster.sql(restructure);
      };
      await prepare();
      const whole = counted(0, () => {});
      expect(await keepReserve(whole.connect, "wt_main")).toMatchObject({ state });
      const most = whole.seen.count;
      const numbers = some(most, way).filter((at) => most < 25 || at % 5 === 1 || at >= most - 2);
      for (const number of numbers) {
        await prepare();
        const cutOff = counted(number, kill);
        await keepReserve(cutOff.connect, "wt_main").catch(() => {});
        await cutOff.end();
        await settled();
        expect(await cluster.rows(UNUSED_ROLES)).toEqual([]);
        // What exists now is correct, or is not used.
        const client = await cluster.connect();
        await claimReserve(client, options);
        await client.end();
        await allOrNothing();
      }
    }
  },
  170_000,
);
