import { once } from "node:events";
import { existsSync } from "node:fs";
import { createServer, type Server } from "node:net";
import { describe, expect, test } from "vitest";
import { listenersByLsof, listenersOn } from "../../src/host/net/port-holders.ts";

async function listenOn(host: string, port = 0): Promise<{ server: Server; port: number }> {
  const server = createServer().listen(port, host);
  await once(server, "listening");
  const address = server.address();
  if (address === null || typeof address === "string") throw new Error("no port");
  return { server, port: address.port };
}

const hasLsof = (process.env.PATH ?? "").split(":").some((place) => existsSync(`${place}/lsof`));
const ours = { pid: process.pid, directory: process.cwd() };

const ways = [
  { name: "the system's own way", ask: listenersOn, missing: false },
  { name: "lsof", ask: listenersByLsof, missing: !hasLsof },
];

describe.each(ways)("by $name (lsof is skipped where it is not installed)", ({ ask, missing }) => {
  test.skipIf(missing).each(["127.0.0.1", "127.0.0.5", "0.0.0.0", "::1", "::", "::ffff:127.0.0.1"])(
    "the listener on %s is found by pid, name and directory, until it closes",
    async (host) => {
      const { server, port } = await listenOn(host);
      expect(await ask(port)).toMatchObject([ours]);
      expect((await ask(port))?.[0]?.name).toMatch(/\w/);
      server.close();
      expect(await ask(port)).toBeUndefined();
    },
  );
});
