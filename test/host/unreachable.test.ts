import { mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { createServer, type Socket } from "node:net";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { execa } from "execa";
import pg from "pg";
import { afterAll, beforeAll, expect, test } from "vitest";
import { isUnreachable } from "../../src/host/postgres/client.ts";

let base: string;
beforeAll(() => {
  base = mkdtempSync(join(tmpdir(), "iki-"));
  writeFileSync(join(base, "file"), "");
});
afterAll(() => rmSync(base, { recursive: true }));

async function errorOf(work: () => unknown): Promise<unknown> {
  try {
    await work();
  } catch (error) {
    return error;
  }
  throw new Error("It did not fail.");
}

/** Queries a server on a free port that treats each connection like this. */
async function asked(port: number): Promise<unknown> {
  const pool = new pg.Pool({ host: "127.0.0.1", port, user: "x", connectionTimeoutMillis: 300 });
  pool.on("error", () => {});
  const error = await errorOf(() => pool.query("SELECT 1"));
  await pool.end();
  return error;
}

test.each(["refuses", "hangs up", "resets", "never answers"])(
  "a server that %s cannot be reached",
  async (manner) => {
    const sockets = new Set<Socket>();
    const server = createServer((socket) => {
      sockets.add(socket.on("error", () => {}).resume());
      if (manner === "hangs up") socket.end();
      if (manner === "resets") socket.once("data", () => socket.resetAndDestroy());
    });
    await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve));
    const address = server.address();
    if (address === null || typeof address === "string") throw new TypeError("It has a port.");
    const closed = new Promise((resolve) => server.once("close", resolve));
    if (manner === "refuses") {
      server.close();
      await closed;
    }
    expect(isUnreachable(await asked(address.port))).toBe(true);
    for (const socket of sockets) socket.destroy();
    server.close();
    await closed;
  },
);

test("a missing file is reported as missing, whatever its name", async () => {
  const errors = await Promise.all([
    errorOf(() => readFileSync(join(base, "missing"))),
    errorOf(() => readFileSync(join(base, "Connection terminated, timeout"))),
    errorOf(() => readFileSync(join(base, "file/below"))),
    errorOf(() => execa(join(base, "no-program"))),
    errorOf(() => {
      throw new Error("the command for a new schema was terminated by a timeout");
    }),
  ]);
  expect(errors.map(isUnreachable)).toEqual(errors.map(() => false));
});
