import fs from "node:fs";
import net from "node:net";
import { afterEach, beforeEach, describe, expect, test } from "vitest";
import { type Handler, startBackend } from "./support/backend.ts";
import { type Gate, type Refusal, startGate, unknown } from "./support/gate.ts";
import { type Project, startProject, until } from "./support/project.ts";
import { request, seen } from "./support/request.ts";
import { echoWebSockets, throughWebSocket } from "./support/websocket.ts";

const MEGABYTE = Buffer.alloc(1_000_000, "x");
let project: Project;

beforeEach(async () => {
  project = await startProject();
  project.addWorktree("rel-05");
});
afterEach(() => project?.[Symbol.asyncDispose]());

/** A gate that starts the requested backend, like the daemon. */
async function startWaker(handler?: Handler): Promise<Gate> {
  return await startGate(project, async ({ worktree, service }) => {
    echoWebSockets(await startBackend(project, worktree, service, handler));
    return "awake" as const;
  });
}

describe("a request activates its service and is answered as if the service had been running", () => {
  test("GET, with its raw URI", async () => {
    const { asked } = await startWaker();
    const got = await seen(project, "/rel-05/admin/api/a%2Fb?c=%20", {
      headers: { accept: "text/plain", cookie: "a=b", "x-ikigai-worktree": "main" },
    });
    expect(got).toMatchObject({ backend: "rel-05/admin", url: "/api/a%2Fb?c=%20", method: "GET" });
    expect(got.headers).toMatchObject({ cookie: "a=b", "x-forwarded-prefix": "/rel-05/admin" });
    expect(asked).toMatchObject([
      {
        path: "/wake",
        method: "GET",
        worktree: "rel-05",
        service: "admin",
        accept: "text/plain",
        uri: "/rel-05/admin/api/a%2Fb?c=%20",
        failure: "unreachable",
        bodyBytes: 0,
      },
    ]);
    expect(
      Object.keys(asked[0]?.headers ?? {}).filter((name) => !name.startsWith("x-ikigai-")),
    ).toEqual(["host", "connection"]);
  });

  test("HEAD", async () => {
    await startWaker((incoming, response) =>
      response.setHeader("x-method", incoming.method ?? "").end(),
    );
    const reply = await request(project, "/rel-05/api/", { method: "HEAD" });
    expect([reply.status, reply.headers["x-method"]]).toEqual([200, "HEAD"]);
  });

  test.each([
    ["POST", {}],
    ["PUT", { "transfer-encoding": "chunked" }],
    ["POST", { expect: "100-continue" }],
  ])("%s of a megabyte %j", async (method, headers) => {
    const { asked } = await startWaker();
    const got = await seen(project, "/rel-05/api/", { method, headers, body: MEGABYTE });
    expect(got).toMatchObject({ method, bodyBytes: MEGABYTE.length });
    expect(asked).toMatchObject([{ path: "/wake", method: "GET", bodyBytes: 0 }]);
  });

  test("a WebSocket", async () => {
    const { asked } = await startWaker();
    const { head, echoed } = await throughWebSocket(
      project,
      "/rel-05/api/ws",
      Buffer.from("hello"),
    );
    expect([head.slice(0, 12), echoed.toString()]).toEqual(["HTTP/1.1 101", "hello"]);
    expect(asked).toHaveLength(1);
  });

  test("a socket without a listener", async () => {
    await startGate(project, async ({ worktree, service }) => {
      fs.rmSync(project.socketOf(worktree, service));
      await startBackend(project, worktree, service);
      return "awake" as const;
    });
    const dead = net.createServer().listen(`${project.socketOf("rel-05", "backend")}.dead`);
    await until(() => dead.listening);
    fs.renameSync(
      `${project.socketOf("rel-05", "backend")}.dead`,
      project.socketOf("rel-05", "backend"),
    );
    dead.close();
    expect((await seen(project, "/rel-05/api/")).backend).toBe("rel-05/backend");
  });

  test("by its own host name", async () => {
    const { asked } = await startWaker();
    const got = await seen(project, "/api/x", { host: "admin.rel-05.localhost" });
    expect(got).toMatchObject({ backend: "rel-05/admin", url: "/api/x" });
    expect(asked).toMatchObject([{ worktree: "rel-05", service: "admin" }]);
  });

  test("of the default worktree, which is named .default", async () => {
    project.makeDefault("rel-05");
    const { asked } = await startWaker();
    expect((await seen(project, "/api/x")).url).toBe("/api/x");
    expect(asked).toMatchObject([{ worktree: ".default", service: "backend" }]);
  });
});

describe("the client gets another answer of the gate unchanged", () => {
  test.each<[string, Refusal]>([
    ["unknown", unknown],
    [
      "down",
      {
        status: 503,
        body: "<h1>down</h1>",
        headers: { "Content-Type": "text/html", "Retry-After": "7" },
      },
    ],
  ])("%s", async (_, answer) => {
    await startGate(project, () => answer);
    const reply = await request(project, "/rel-05/api/", { method: "POST", body: MEGABYTE });
    expect([reply.status, reply.body]).toEqual([answer.status, answer.body]);
    for (const [name, value] of Object.entries(answer.headers ?? {})) {
      expect(reply.headers[name.toLowerCase()]).toBe(value);
    }
  });

  test("the gate is asked once more about a service that it wrongly reported as running", async () => {
    const { asked } = await startGate(project, () => "awake");
    const reply = await request(project, "/rel-05/api/");
    expect([reply.status, JSON.parse(reply.body)]).toEqual([503, { error: "unreachable" }]);
    expect(asked.map(({ path }) => path)).toEqual(["/wake", "/down"]);
  });
});

describe("without a gate the answer names the next command", () => {
  test("to a browser in HTML", async () => {
    const headers = { accept: "text/html,application/xhtml+xml;q=0.9" };
    const reply = await request(project, "/rel-05/api/", { headers });
    expect(reply.status).toBe(503);
    expect(reply.headers).toMatchObject({ "content-type": "text/html", "retry-after": "2" });
    expect(reply.body).toContain("ikigai start");
  });

  test.each(["GET", "POST"])("to anything else in JSON (%s)", async (method) => {
    const reply = await request(project, "/rel-05/api/", { method, body: MEGABYTE });
    expect(reply.status).toBe(503);
    expect(reply.headers).toMatchObject({ "content-type": "application/json", "retry-after": "2" });
    expect(JSON.parse(reply.body)).toMatchObject({ next: "ikigai start" });
  });
});

test("only a request for a service counts as its use", async () => {
  const traffic = `${project.layout.run}/traffic`;
  project.addFrontend("rel-05", "frontend", { "index.html": "" });
  await startGate(project);
  await request(project, "/rel-05/frontend/");
  await request(project, "/rel-05/nothing/");
  expect(fs.readdirSync(traffic)).toEqual([]);
  await startBackend(project, "rel-05", "admin");
  await request(project, "/rel-05/admin/api/");
  await until(() => fs.existsSync(`${traffic}/rel-05.admin`));
  expect(fs.readdirSync(traffic)).toEqual(["rel-05.admin"]);
});

test("requests that wait for the same service are all answered", async () => {
  let waiting = 0;
  const started = until(() => waiting === 20).then(() => startBackend(project, "rel-05"));
  await startGate(project, async () => {
    waiting++;
    await started;
    return "awake" as const;
  });
  const replies = await Promise.all(
    Array.from({ length: 20 }, (_, i) => seen(project, `/rel-05/api/${i}`, { method: "POST" })),
  );
  expect(replies.map(({ url }) => url)).toEqual(replies.map((_, i) => `/api/${i}`));
});
