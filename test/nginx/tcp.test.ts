import fs from "node:fs";
import { afterEach, beforeEach, expect, test } from "vitest";
import { portsMap } from "../../src/model/ports-map.ts";
import { echo, listen, startBackend, stop } from "./support/backend.ts";
import { startGate } from "./support/gate.ts";
import { freePort, type Project, startProject, until } from "./support/project.ts";
import { request, seen } from "./support/request.ts";

let project: Project;
let port: number;

beforeEach(async () => {
  port = await freePort();
  project = await startProject({
    ports: [{ worktree: "rel-05", service: "backend", port }],
    defaultWorktree: "rel-05",
  });
  project.addWorktree("rel-05");
  project.makeDefault("rel-05");
});
afterEach(() => project?.[Symbol.asyncDispose]());

test.each([
  ["localhost", "/rel-05/api/x"],
  ["localhost", "/api/x"],
  ["rel-05.localhost", "/api/x"],
  ["backend.rel-05.localhost", "/api/x"],
])("%s%s reaches a backend on a port", async (host, path) => {
  await listen(project, port, echo("tcp"));
  expect(await seen(project, path, { host })).toMatchObject({ backend: "tcp", url: "/api/x" });
});

test("the socket is preferred where there is one", async () => {
  await listen(project, port, echo("tcp"));
  const server = await startBackend(project, "rel-05");
  expect((await seen(project, "/rel-05/api/")).backend).toBe("rel-05/backend");
  await stop(server);
  fs.rmSync(project.socketOf("rel-05", "backend"), { force: true });
  expect((await seen(project, "/rel-05/api/")).backend).toBe("tcp");
});

test("a backend on a port is activated too, and gets the body", async () => {
  const { asked } = await startGate(project, async () => {
    await listen(project, port, echo("tcp"));
    return "awake" as const;
  });
  const got = await seen(project, "/rel-05/api/", { method: "POST", body: "x".repeat(1_000_000) });
  expect(got).toMatchObject({ backend: "tcp", bodyBytes: 1_000_000 });
  expect(asked.map(({ path }) => path)).toEqual(["/wake"]);
});

test("a backend that moves to a port during its activation is found there", async () => {
  const dead = await startBackend(project, "rel-05");
  fs.renameSync(project.socketOf("rel-05", "backend"), project.socketOf("rel-05", "dead"));
  await stop(dead);
  fs.renameSync(project.socketOf("rel-05", "dead"), project.socketOf("rel-05", "backend"));
  await startGate(project, async () => {
    fs.rmSync(project.socketOf("rel-05", "backend"));
    await listen(project, port, echo("tcp"));
    return "awake" as const;
  });
  expect((await seen(project, "/rel-05/api/")).backend).toBe("tcp");
});

test("another service of the worktree has no port", async () => {
  await listen(project, port, echo("tcp"));
  expect((await request(project, "/rel-05/admin/api/")).status).toBe(503);
});

test("a port that nginx has not read yet is learned from the gate, but a socket is preferred", async () => {
  const other = await freePort();
  await listen(project, project.gateSocket, (_, response) => {
    const headers = { "X-Accel-Redirect": "@awake", "X-Ikigai-Port": String(other) };
    response.writeHead(200, headers).end();
  });
  const server = await listen(project, other, echo("new"));
  const got = await seen(project, "/rel-05/admin/api/x?y", { method: "POST", body: "12345" });
  expect(got).toMatchObject({ backend: "new", url: "/api/x?y", bodyBytes: 5 });
  expect(got.headers).not.toHaveProperty("x-ikigai-port");
  await stop(server);
  await startBackend(project, "rel-05", "admin");
  expect((await seen(project, "/rel-05/admin/api/")).backend).toBe("rel-05/admin");
});

test("a new port is known after a reload", async () => {
  const other = await freePort();
  await listen(project, other, echo("new"));
  const entries = [{ worktree: "rel-05", service: "admin", port: other }];
  fs.writeFileSync(`${project.layout.run}/ports.map`, portsMap(entries));
  await project.reload();
  await until(async () => (await request(project, "/rel-05/admin/api/")).status === 200);
});

test("the map contains the default worktree's ports twice", () => {
  const entries = [
    { worktree: "b", service: "backend", port: 2 },
    { worktree: "a", service: "backend", port: 1 },
  ];
  expect(portsMap(entries, "b")).toBe('".default/backend" 2;\n"a/backend" 1;\n"b/backend" 2;\n');
  expect(portsMap([])).toBe("");
});
