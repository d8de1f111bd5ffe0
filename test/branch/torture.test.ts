import { readFile } from "node:fs/promises";
import { fileURLToPath } from "node:url";
import { afterAll, beforeAll, expect, test } from "vitest";
import { branchSchema } from "../../src/host/branch/branch.ts";
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

test("the rows of every table are the same, also where the dump does not look", async () => {
  expect(await checksums(cluster, "wt_copy")).toEqual(await checksums(cluster, "wt_main"));
});
