import { execFile, spawn } from "node:child_process";
import { once } from "node:events";
import { readdirSync } from "node:fs";
import { chown, mkdtemp, rm } from "node:fs/promises";
import { createServer } from "node:net";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { promisify } from "node:util";
import pg from "pg";
import { REGISTRY_STATEMENTS } from "../../src/schema-branch/index.ts";

const run = promisify(execFile);
const BIN = process.env.IKIGAI_PG_BIN ?? newest("/usr/lib/postgresql");

/** The newest of the versions that Debian has installed side by side. */
function newest(place: string): string {
  const versions = readdirSync(place)
    .map(Number)
    .sort((a, b) => b - a);
  return join(place, String(versions[0]), "bin");
}

/** A temporary PostgreSQL server with the database and owner `ikigai`. */
export interface Cluster {
  readonly port: number;
  readonly connect: () => Promise<pg.Client>;
  /** Runs one or more SQL statements. */
  readonly sql: (text: string, user?: string) => Promise<void>;
  readonly rows: <T extends pg.QueryResultRow>(text: string, values?: unknown[]) => Promise<T[]>;
  /** Returns pg_dump's output for one schema. */
  readonly dump: (schema: string, ...more: string[]) => Promise<string>;
  readonly program: (name: string) => string;
  /** Stops the server as a crash would, and starts it again; after SIGKILL its children are not notified. */
  readonly crash: (signal?: "SIGQUIT" | "SIGKILL") => Promise<void>;
  readonly stop: () => Promise<void>;
}

/** PostgreSQL refuses to run as root; then it runs as the account that Debian created for it. */
async function account(): Promise<{ uid: number; gid: number } | undefined> {
  if (process.getuid?.() !== 0) return undefined;
  const id = async (flag: string) => Number((await run("id", [flag, "postgres"])).stdout);
  return { uid: await id("-u"), gid: await id("-g") };
}

async function freePort(): Promise<number> {
  const server = createServer().listen(0, "127.0.0.1");
  await once(server, "listening");
  const address = server.address();
  server.close();
  if (address === null || typeof address === "string") throw new Error("no port");
  return address.port;
}

/** Starts a server; `settings` are lines of postgresql.conf as `name=value`. */
export async function startCluster(settings: readonly string[] = ["fsync=off"]): Promise<Cluster> {
  const directory = await mkdtemp(join(tmpdir(), "iki-branch-"));
  const who = await account();
  if (who) await chown(directory, who.uid, who.gid);
  const data = join(directory, "data");
  const port = await freePort();
  const env = { PATH: process.env.PATH, LC_ALL: "C.UTF-8", HOME: directory };
  const options = { ...who, env, cwd: directory };
  await run(
    join(BIN, "initdb"),
    ["-D", data, "-U", "ikigai", "-E", "UTF8", "--locale=C.UTF-8", "--auth=trust", "--no-sync"],
    options,
  );
  const start = async () => {
    const lines = [
      "unix_socket_directories=",
      "listen_addresses=127.0.0.1",
      `port=${port}`,
      ...settings,
    ];
    const server = spawn(
      join(BIN, "postgres"),
      ["-D", data, ...lines.flatMap((line) => ["-c", line])],
      {
        ...options,
        stdio: "ignore",
      },
    );
    await answers(port);
    return server;
  };
  let server = await start();
  const connect = async (database = "ikigai", user = "ikigai") => {
    const client = new pg.Client({ host: "127.0.0.1", port, user, database, password: "x" });
    client.on("error", () => undefined);
    await client.connect();
    return client;
  };
  const first = await connect("postgres");
  await first.query("CREATE DATABASE ikigai");
  await first.end();
  const query = async <T>(user: string, work: (client: pg.Client) => Promise<T>) => {
    const client = await connect("ikigai", user);
    try {
      return await work(client);
    } finally {
      await client.end();
    }
  };
  const cluster: Cluster = {
    port,
    connect: () => connect(),
    sql: (text, user = "ikigai") => query(user, async (client) => void (await client.query(text))),
    rows: <T extends pg.QueryResultRow>(text: string, values: unknown[] = []) =>
      query("ikigai", async (client) => (await client.query<T>(text, values)).rows),
    dump: async (schema, ...more) => {
      const list = [
        "-h",
        "127.0.0.1",
        "-p",
        String(port),
        "-U",
        "ikigai",
        "-d",
        "ikigai",
        "-n",
        schema,
        ...more,
      ];
      return (await run(join(BIN, "pg_dump"), list, { maxBuffer: 1e9, env })).stdout;
    },
    program: (name) => join(BIN, name),
    crash: async (signal = "SIGQUIT") => {
      const children = await childrenOf(server.pid);
      const gone = server.exitCode !== null || server.signalCode !== null;
      server.kill(signal);
      if (!gone) await once(server, "exit");
      // Its children keep the shared memory attached until they notice.
      while (children.some(isAlive)) await new Promise((resolve) => setTimeout(resolve, 20));
      server = await start();
    },
    stop: async () => {
      const gone = server.exitCode !== null || server.signalCode !== null;
      server.kill("SIGQUIT");
      if (!gone) await once(server, "exit");
      await rm(directory, { recursive: true, force: true });
    },
  };
  await cluster.sql(REGISTRY_STATEMENTS.join(";\n"));
  await cluster.sql(
    "CREATE SCHEMA extensions; GRANT USAGE ON SCHEMA extensions TO PUBLIC; CREATE ROLE wt_main LOGIN; CREATE SCHEMA wt_main AUTHORIZATION wt_main",
  );
  return cluster;
}

async function childrenOf(pid: number | undefined): Promise<number[]> {
  const { stdout } = await run("pgrep", ["-P", String(pid)]).catch(() => ({ stdout: "" }));
  return stdout.split("\n").filter(Boolean).map(Number);
}

function isAlive(pid: number): boolean {
  try {
    process.kill(pid, 0);
    return true;
  } catch {
    return false;
  }
}

async function answers(port: number): Promise<void> {
  const deadline = Date.now() + 240_000; // recovery of many files takes long
  for (;;) {
    const client = new pg.Client({
      host: "127.0.0.1",
      port,
      user: "ikigai",
      database: "postgres",
      password: "x",
    });
    client.on("error", () => undefined);
    try {
      await client.connect();
      await client.end();
      return;
    } catch (error) {
      if (Date.now() > deadline) throw error;
      await new Promise((resolve) => setTimeout(resolve, 50));
    }
  }
}
