import net from "node:net";
import { join } from "node:path";
import { afterAll, beforeAll, expect, test } from "vitest";
import { ask } from "../support/http.ts";
import { makeProject, type TestProject } from "../support/project.ts";

let project: TestProject;

beforeAll(async () => {
  project = await makeProject({ worktrees: ["rel-05"] });
  expect((await project.ikigai("start")).exitCode).toBe(0);
});
afterAll(() => project?.[Symbol.asyncDispose]());

test.each(["/v1/health", "/v1/rest", "/v1/down", "/v1/restore", "/wake", "/down"])(
  "the daemon's %s cannot be reached over TCP",
  async (path) => {
    for (const method of ["GET", "POST"]) {
      const { status } = await project.http(path, { method });
      // A static file answers a POST with 405.
      expect([404, 405], `${method} ${path}`).toContain(status);
    }
  },
);

test("nothing of ikigai's own listens on another address or port", async () => {
  const { stdout } = await project.run("ss", ["-Hltn"]);
  const own = stdout
    .split("\n")
    .map((line) => line.trim().split(/\s+/)[3] ?? "")
    .filter((at) => at.endsWith(`:${project.httpPort}`) || at.endsWith(`:${project.postgresPort}`));
  expect(own.length).toBeGreaterThan(1);
  for (const address of own) expect(address).toMatch(/^(?:127\.0\.0\.1|\[::1\]):\d+$/);
});

test.each(["evil.example", "localhost.evil.example", "main.localhost.evil.example", "192.168.0.1"])(
  "a page whose name resolves to us, %s, gets nothing",
  async (host) => {
    const { status, text } = await project.http("/main/api/x", { host });
    expect(status).toBe(403);
    expect(text).not.toContain("greeting");
  },
);

test("the daemon's socket rejects a browser's request", async () => {
  const socketPath = join(project.root, ".ikigai/daemon.sock");
  const { status } = await ask(0, "/v1/health", {
    socketPath,
    headers: { origin: "http://localhost:8888" },
  });
  expect(status).toBe(403);
});

test("no answer of ikigai's own has a CORS header", async () => {
  for (const path of ["/main/frontend/", "/nowhere/api/x", "/main/nothing/api/x"]) {
    const { headers } = await project.http(path, { headers: { origin: "http://evil.example" } });
    expect(headers["access-control-allow-origin"], path).toBeUndefined();
  }
});

const OWN = [
  "http://localhost:8888",
  "http://web.main.localhost:8888",
  "https://127.0.0.1",
  "http://[::1]:5173",
];
const FOREIGN = [
  "http://evil.example",
  "null",
  "http://localhost.evil.example",
  "http://evil.example:8888",
  "https://notlocalhost",
  "file://",
  "http://a.b.c.localhost",
  "http://evil.example/http://localhost",
];

test.each(FOREIGN)("a POST or WebSocket of a page of %s is rejected", async (origin) => {
  for (const path of ["/main/api/x", "/main/frontend/", "/nowhere/api/x"]) {
    for (const method of ["POST", "PUT", "PATCH", "DELETE"]) {
      const { status } = await project.http(path, { method, headers: { origin } });
      expect(status, `${method} ${path}`).toBe(403);
    }
  }
  const upgrade = { origin, upgrade: "WebSocket", connection: "Upgrade" };
  expect((await project.http("/main/api/x", { headers: upgrade })).status).toBe(403);
  expect((await project.http("/main/api/x", { headers: { origin } })).status).toBe(200);
});

/** The headers of a browser for an image, a script or a frame in a page of another site. */
const UNASKED = [
  { "sec-fetch-mode": "no-cors", "sec-fetch-dest": "image" },
  { "sec-fetch-mode": "cors", "sec-fetch-dest": "empty", origin: "http://evil.example" },
  { "sec-fetch-mode": "navigate", "sec-fetch-dest": "iframe" },
  {},
];
const ASKED = [
  { "sec-fetch-site": "cross-site", "sec-fetch-mode": "navigate", "sec-fetch-dest": "document" },
  { "sec-fetch-site": "cross-site", "sec-fetch-mode": "navigate" },
  { "sec-fetch-site": "cross-site", "sec-fetch-mode": "cors", origin: "http://localhost:5173" },
  { "sec-fetch-site": "same-origin", "sec-fetch-mode": "cors" },
  { "sec-fetch-site": "none", "sec-fetch-mode": "navigate" },
  {},
];

test("viewing a page of another site activates no service, and a visit does", async () => {
  const state = async () => {
    const { stdout } = await project.ikigai("wt", "show", "rel-05", "--json");
    return JSON.parse(stdout).services[0].state;
  };
  for (const host of ["localhost", "rel-05.localhost", "backend.rel-05.localhost"]) {
    const path = host === "localhost" ? "/rel-05/api/x" : "/api/x";
    for (const headers of ASKED) {
      await project.ikigai("down", "rel-05");
      for (const more of UNASKED) {
        const refused = { "sec-fetch-site": "cross-site", ...more };
        const { status, text } = await project.http(path, { host, headers: refused });
        expect([status, text], JSON.stringify(more)).toEqual([
          403,
          expect.stringContaining("Next: open its address"),
        ]);
      }
      expect(["idle", "stopped"]).toContain(await state());
      expect((await project.http(path, { host, headers })).status, JSON.stringify(headers)).toBe(
        200,
      );
    }
    // A running service answers, and decides by itself.
    for (const more of UNASKED) {
      const headers = { "sec-fetch-site": "cross-site", ...more };
      expect((await project.http(path, { host, headers })).status).toBe(200);
    }
  }
});

test.each(OWN)("a page of %s may post", async (origin) => {
  const { status } = await project.http("/main/api/x", { method: "POST", headers: { origin } });
  expect(status).toBe(200);
});

/** A backend decides by itself how to treat another origin, which it gets in a header. */
test("Origin and Sec-Fetch-Site reach the backend as the browser sent them", async () => {
  const given = { origin: "http://evil.example", "sec-fetch-site": "cross-site" };
  const { headers } = (await project.http("/main/api/x", { headers: given })).json<{
    headers: Record<string, string>;
  }>();
  expect(headers).toMatchObject(given);
});

test("an HTTP request to Postgres' port gets nothing", async () => {
  const socket = net.connect(project.postgresPort, "127.0.0.1");
  socket.end("POST / HTTP/1.1\r\nHost: localhost\r\n\r\n");
  const parts: Buffer[] = [];
  for await (const part of socket) parts.push(part);
  expect(Buffer.concat(parts).toString()).not.toContain("HTTP/");
});
