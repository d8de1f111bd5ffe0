import { execFile } from "node:child_process";
import { mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { promisify } from "node:util";
import { afterEach, beforeEach, expect, test, vi } from "vitest";
import {
  branchSchema,
  claimReserve,
  keepReserve,
  sweepBuilds,
} from "../../src/schema-branch/index.ts";
import { type Cluster, startCluster } from "./cluster.ts";
import { checksums } from "./compare.ts";

const run = promisify(execFile);
let disk: string;
let mounted = false;
let cluster: Cluster | undefined;

beforeEach(async ({ skip }) => {
  skip(process.getuid?.() !== 0, "only root can mount a small disk");
  skip(process.platform !== "linux", "the small disk is Linux' tmpfs");
  disk = await mkdtemp(join(tmpdir(), "iki-disk-"));
  await run("mount", ["-t", "tmpfs", "-o", "size=16m,mode=1777", "tmpfs", disk]);
  mounted = true;
});
afterEach(async () => {
  vi.unstubAllEnvs();
  await cluster?.stop();
  cluster = undefined;
  if (mounted) await run("umount", [disk]);
  mounted = false;
  if (disk) await rm(disk, { recursive: true, force: true });
});

const grow = (size: string) => run("mount", ["-o", `remount,size=${size}`, disk]);
const branch = (server: Cluster) =>
  branchSchema(server.connect, {
    ...{ base: "wt_main", target: "wt_copy", owner: "wt_copy" },
    ...{ mode: "data", mark: "ikigai:wt copy" },
  });
const leftovers = (server: Cluster) =>
  server.rows("SELECT nspname FROM pg_namespace WHERE nspname ~ '^(ikigai_build|wt_copy)'");
const fill = (rows: number) => `CREATE TABLE wt_main.parts (id int PRIMARY KEY, text text);
  INSERT INTO wt_main.parts SELECT n, repeat(md5(n::text), 12) FROM generate_series(1, ${rows}) n; CREATE ROLE wt_copy`;

test("a branch whose rows do not fit on the disk reports that and leaves nothing behind", async () => {
  const server = await startCluster();
  cluster = server;
  await run("install", ["-d", "-o", "postgres", "-m", "700", join(disk, "space")]);
  await server.sql(`CREATE TABLESPACE small LOCATION '${join(disk, "space")}'`);
  await server.sql(`SET default_tablespace = small; ${fill(20_000)}`);
  const before = await checksums(server, "wt_main");
  const error = await branch(server).catch((cause: unknown) => cause);
  expect(error).toMatchObject({ code: "failed" });
  expect(String(error)).toMatch(/No space left on device/);
  expect(error).toHaveProperty(
    "next",
    expect.stringMatching(/^make room on the disk, then: ikigai db branch/),
  );
  expect(await leftovers(server)).toEqual([]);
  await expect(keepReserve(server.connect, "wt_main")).rejects.toThrow(/No space left on device/);
  const client = await server.connect();
  const claimed = { base: "wt_main", target: "wt_claim", owner: "wt_claim", mark: "ikigai:claim" };
  expect(await claimReserve(client, claimed)).toMatchObject({ claimed: false });
  await client.end();
  expect(await leftovers(server)).toEqual([]);
  // A failed branch keeps no space.
  await server.sql(
    "CREATE TABLE wt_main.more TABLESPACE small AS SELECT n FROM generate_series(1, 1000) n; DROP TABLE wt_main.more",
  );
  expect(await checksums(server, "wt_main")).toEqual(before);
  await grow("64m");
  await branch(server);
  expect(await checksums(server, "wt_copy")).toEqual(before);
});

test("the parent is intact after a disk so full that the server could not write its log", async () => {
  await grow("110m");
  vi.stubEnv("TMPDIR", disk);
  const server = await startCluster([
    ...["fsync=off", "max_wal_size=32MB", "min_wal_size=32MB", "autovacuum=off"],
  ]);
  cluster = server;
  await server.sql(fill(40_000));
  await server.sql("CHECKPOINT");
  const before = await checksums(server, "wt_main");
  const { stdout } = await run("df", ["--output=avail", "-k", disk]);
  const free = Number(stdout.split("\n")[1]);
  // Room for some of the rows only.
  await run("fallocate", ["-l", `${free - 12_000}K`, join(disk, "ballast")]);
  const error = await branch(server).catch((cause: unknown) => cause);
  expect(error).toMatchObject({ name: "BranchError" });
  await rm(join(disk, "ballast"));
  await server.crash();
  const client = await server.connect();
  await sweepBuilds(client);
  await client.end();
  expect(await leftovers(server)).toEqual([]);
  expect(await checksums(server, "wt_main")).toEqual(before);
  await grow("300m");
  await branch(server);
  expect(await checksums(server, "wt_copy")).toEqual(before);
});
