import fs from "node:fs";
import { afterEach, beforeEach, expect, test } from "vitest";
import { slotClaim } from "../../src/model/nginx/keepalive-slots.ts";
import { echo, startBackend, stop } from "./support/backend.ts";
import { startGate } from "./support/gate.ts";
import { type Project, startProject } from "./support/project.ts";
import { seen } from "./support/request.ts";
import { echoWebSockets, throughWebSocket } from "./support/websocket.ts";

let project: Project;

beforeEach(async () => {
  // One worker, as each keeps its own connections.
  project = await startProject({ settings: { workers: 1 } });
  project.addWorktree("rel-05");
});
afterEach(() => project?.[Symbol.asyncDispose]());

function claim(worktree: string, service: string): void {
  const { directory, link, target, marker } = slotClaim(project.layout, worktree, service);
  fs.mkdirSync(directory, { recursive: true });
  fs.symlinkSync(target, link);
  fs.mkdirSync(marker);
}

/** A backend that counts its connections. */
async function startCounting(service: string): Promise<() => number> {
  let connections = 0;
  const server = await startBackend(project, "rel-05", service);
  server.on("connection", () => connections++);
  return () => connections;
}

test("a service that has claimed its slot keeps its connection, whatever its name", async () => {
  const names = ["a", "ab", "bcd", "abcd", "x".repeat(40), "0-9", "--", "service-17"];
  for (const name of names) {
    claim("rel-05", name);
    const connections = await startCounting(name);
    for (const path of ["1?a=%2F", "2%20", "3"]) {
      const got = await seen(project, `/rel-05/${name}/api/${path}`);
      expect([got.backend, got.url]).toEqual([`rel-05/${name}`, `/api/${path}`]);
      expect(got.headers["x-forwarded-prefix"]).toBe(`/rel-05/${name}`);
    }
    expect([name, connections()]).toEqual([name, 1]);
  }
});

test("a service without a slot gets a connection for every request", async () => {
  const connections = await startCounting("backend");
  for (let i = 0; i < 3; i++) await seen(project, "/rel-05/api/");
  expect(connections()).toBe(3);
});

test("a request that must not be repeated gets a new connection", async () => {
  claim("rel-05", "backend");
  const server = echoWebSockets(await startBackend(project, "rel-05"));
  let connections = 0;
  server.on("connection", () => connections++);
  await seen(project, "/rel-05/api/");
  await seen(project, "/rel-05/api/", { method: "POST", body: "x" });
  await seen(project, "/rel-05/api/", { method: "DELETE" });
  await seen(project, "/rel-05/api/", { headers: { "content-length": 1 }, body: "x" });
  await throughWebSocket(project, "/rel-05/api/", Buffer.from("x"));
  await seen(project, "/rel-05/api/");
  expect(connections).toBe(5);
});

test("a restarted service is reached on a new connection", async () => {
  claim("rel-05", "backend");
  const first = await startBackend(project, "rel-05");
  await seen(project, "/rel-05/api/");
  await stop(first);
  await startBackend(project, "rel-05", "backend", echo("second"));
  expect((await seen(project, "/rel-05/api/")).backend).toBe("second");
});

test("an idle service is activated", async () => {
  claim("rel-05", "backend");
  const { asked } = await startGate(project, async ({ worktree, service }) => {
    await startBackend(project, worktree, service);
    return "awake" as const;
  });
  expect((await seen(project, "/rel-05/api/x")).url).toBe("/api/x");
  expect((await seen(project, "/rel-05/api/y")).url).toBe("/api/y");
  expect(asked.map(({ path }) => path)).toEqual(["/wake"]);
});

test("a slot that another service has claimed is not used", async () => {
  const { directory, link } = slotClaim(project.layout, "rel-05", "backend");
  await startBackend(project, "rel-05", "other");
  fs.mkdirSync(`${directory}/rel-05.other`, { recursive: true });
  fs.symlinkSync("../../sockets/rel-05/other.sock", link);
  await startBackend(project, "rel-05");
  expect((await seen(project, "/rel-05/api/")).backend).toBe("rel-05/backend");
});
