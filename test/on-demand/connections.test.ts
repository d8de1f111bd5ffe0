import { once } from "node:events";
import fs from "node:fs";
import net from "node:net";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterEach, beforeEach, expect, test } from "vitest";
import { openConnections } from "../../src/host/net/open-connections.ts";
import { reservePort } from "../support/ports.ts";
import { waitFor } from "../support/wait.ts";

let directory: string;
const ends: (() => void)[] = [];

beforeEach(() => {
  directory = fs.mkdtempSync(join(tmpdir(), "iki-"));
});
afterEach(() => {
  for (const end of ends.splice(0)) end();
  fs.rmSync(directory, { recursive: true });
});

async function serve(where: string | net.ListenOptions): Promise<net.Server> {
  const server = net.createServer((socket) => socket.on("error", () => {})).listen(where);
  ends.push(() => server.close());
  await once(server, "listening");
  return server;
}

async function connect(to: net.NetConnectOpts): Promise<net.Socket> {
  const socket = net.connect(to);
  ends.push(() => socket.destroy());
  await once(socket, "connect");
  return socket;
}

test("clients of a Unix socket are counted, also after a rename of the socket", async () => {
  const socket = join(directory, "a b.sock");
  const other = join(directory, "other.sock");
  await serve(socket);
  await serve(other);
  const count = async () => (await openConnections([{ key: "k", socket }])).get("k");
  expect(await count()).toBe(0);
  const first = await connect({ path: socket });
  await connect({ path: socket });
  await connect({ path: other });
  expect(await count()).toBe(2);
  fs.renameSync(socket, join(directory, "aside"));
  expect(await count()).toBe(2);
  first.destroy();
  await waitFor(async () => (await count()) === 1);
});

test("clients of a port are counted once each, and others' are not", async () => {
  const [one, two] = [await reservePort(), await reservePort()];
  ends.push(one.release, two.release);
  await serve({ port: one.port, host: "127.0.0.1" });
  await serve({ port: two.port, host: "127.0.0.1" });
  const socket = join(directory, "none.sock");
  const services = [{ key: "k", socket, port: one.port }];
  const count = async () => (await openConnections(services)).get("k");
  expect(await count()).toBe(0);
  const first = await connect({ port: one.port, host: "127.0.0.1" });
  await connect({ port: two.port, host: "127.0.0.1" });
  expect(await count()).toBe(1);
  first.destroy();
  await waitFor(async () => (await count()) === 0);
});
