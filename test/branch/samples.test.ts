import { readFile } from "node:fs/promises";
import { fileURLToPath } from "node:url";
import { afterAll, beforeAll, expect, test } from "vitest";
import { branchSchema, claimReserve, keepReserve } from "../../src/schema-branch/index.ts";
import { type Cluster, startCluster } from "./cluster.ts";
import { checksums, normalised } from "./compare.ts";

let cluster: Cluster;

beforeAll(async () => {
  cluster = await startCluster();
  await cluster.sql(
    await readFile(fileURLToPath(new URL("./samples.sql", import.meta.url)), "utf8"),
  );
  await cluster.sql("CREATE ROLE wt_copy LOGIN; GRANT USAGE ON SCHEMA extensions TO PUBLIC");
});
afterAll(() => cluster?.stop());

async function equalsBase(target: string): Promise<void> {
  const [base, copy] = await Promise.all([cluster.dump("wt_main"), cluster.dump(target)]);
  expect(normalised(copy, target)).toBe(normalised(base, "wt_main"));
  expect(await checksums(cluster, target)).toEqual(await checksums(cluster, "wt_main"));
}

test("well-known sample databases are branched completely, and work", async () => {
  await branchSchema(cluster.connect, {
    base: "wt_main",
    target: "wt_copy",
    owner: "wt_copy",
    mode: "data",
    mark: "ikigai:wt copy",
  });
  await equalsBase("wt_copy");
  const client = await cluster.connect();
  await client.query("SET ROLE wt_copy; SET search_path = wt_copy, extensions");
  const { rows } = await client.query<{ id: number; fulltext: string }>(
    "INSERT INTO film (title, description) VALUES ('NEW dogs', 'barking') RETURNING film_id AS id, fulltext",
  );
  expect(rows).toEqual([{ id: 301, fulltext: "'bark':3 'dog':2 'new':1" }]);
  await client.query(
    "BEGIN; SELECT * FROM rewards(3); COMMIT; INSERT INTO payment (customer_id, amount, payment_date) VALUES (1, 2, '2022-03-03'); SELECT * FROM film_list; DELETE FROM \"PlaylistTrack\"",
  );
  await client.end();
  expect((await cluster.rows("SELECT count(*)::int AS n FROM wt_main.film"))[0]).toEqual({
    n: 300,
  });
});

test("their reserve is the same", async () => {
  await keepReserve(cluster.connect, "wt_main");
  const client = await cluster.connect();
  const claim = await claimReserve(client, {
    base: "wt_main",
    target: "wt_claimed",
    owner: "wt_claimed",
    mark: "ikigai:wt claimed",
  });
  await client.end();
  expect(claim).toMatchObject({ claimed: true });
  await equalsBase("wt_claimed");
});
