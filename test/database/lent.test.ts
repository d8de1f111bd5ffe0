import { join } from "node:path";
import type pg from "pg";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { Postgres } from "../../src/host/postgres/client.ts";
import { ownerLogin } from "../support/owner.ts";
import type { TestProject } from "../support/project.ts";
import { startProject } from "./support.ts";

let project: TestProject;
let postgres: Postgres;

beforeAll(async () => {
  project = await startProject();
  const data = join(project.root, ".ikigai/db");
  const { password } = ownerLogin(project);
  const { postgresPort: port } = project;
  postgres = new Postgres({ host: data, port, password: () => password, data });
});
afterAll(async () => {
  await postgres?.end();
  await project?.dispose();
});

const backend = (client: pg.ClientBase) =>
  client
    .query<{ pid: number }>("SELECT pg_backend_pid() AS pid")
    .then(({ rows }) => rows[0]?.pid ?? 0);

/** Ends a connection's backend while the connection is idle; settles when that is noticed. */
async function cut(client: pg.ClientBase): Promise<void> {
  const pid = await backend(client);
  // Not with node:events' once(), which handles `error` too.
  const ended = new Promise<void>((resolve) => void client.once("end", () => resolve()));
  await postgres.run([`SELECT pg_terminate_backend(${pid})`]);
  await ended;
}

describe("a server that stops between two queries of one connection", () => {
  // The daemon would exit here: an unhandled `error` event is thrown.
  it("fails only the next query of a pooled connection, which is not used again", async () => {
    const pids: number[] = [];
    const work = postgres.use(async (client) => {
      pids.push(await backend(client));
      await cut(client);
      await client.query("SELECT 1");
    });
    await expect(work).rejects.toThrow(/not queryable|terminated/);
    const next = await postgres.use(backend);
    expect(next).toBeGreaterThan(0);
    expect(pids).not.toContain(next);
  });

  it("fails only the next query of a separate connection", async () => {
    const client = await postgres.connect();
    await cut(client);
    await expect(client.query("SELECT 1")).rejects.toThrow(/not queryable|terminated|closed/);
    await client.end();
  });
});
