import { afterEach, beforeEach, describe, expect, test } from "vitest";
import { echo, startBackend } from "./support/backend.ts";
import { startGate } from "./support/gate.ts";
import { type Project, startProject } from "./support/project.ts";
import { request, seen } from "./support/request.ts";

let project: Project;

beforeEach(async () => {
  project = await startProject();
  project.addWorktree("rel-05");
});
afterEach(() => project?.[Symbol.asyncDispose]());

describe("a request that reached the service", () => {
  test.each([502, 503, 504])("and answered with %i is answered so", async (status) => {
    const { asked } = await startGate(project);
    await startBackend(project, "rel-05", "backend", (_, response) =>
      response.writeHead(status, { "x-own": "yes" }).end("its own words"),
    );
    const reply = await request(project, "/rel-05/api/");
    expect([reply.status, reply.body, reply.headers["x-own"]]).toEqual([
      status,
      "its own words",
      "yes",
    ]);
    expect(asked).toEqual([]);
  });

  test.each(["POST", "PUT", "PATCH", "DELETE"])("with %s is never sent again", async (method) => {
    let times = 0;
    const { asked } = await startGate(project, () => "awake");
    await startBackend(project, "rel-05", "backend", (incoming) => {
      times++;
      incoming.socket.destroy();
    });
    const reply = await request(project, "/rel-05/api/", { method, body: "pay" });
    expect([reply.status, JSON.parse(reply.body)]).toEqual([502, { error: "interrupted" }]);
    expect([times, asked.map(({ path }) => path)]).toEqual([1, ["/down"]]);
  });

  test("with GET is repeated once after the service was activated", async () => {
    let times = 0;
    const { asked } = await startGate(project, () => "awake");
    await startBackend(project, "rel-05", "backend", (incoming, response, body) => {
      if (++times === 1) incoming.socket.destroy();
      else echo("second")(incoming, response, body);
    });
    expect((await seen(project, "/rel-05/api/")).backend).toBe("second");
    expect(asked.map(({ path }) => path)).toEqual(["/wake"]);
  });

  test("with GET, to a service that crashes on it, is explained", async () => {
    const { asked } = await startGate(project, () => "awake");
    await startBackend(project, "rel-05", "backend", (incoming) => incoming.socket.destroy());
    const reply = await request(project, "/rel-05/api/");
    expect([reply.status, JSON.parse(reply.body)]).toEqual([502, { error: "interrupted" }]);
    expect(asked.map(({ path }) => path)).toEqual(["/wake", "/down"]);
  });

  test("with GET is not repeated if its answer had begun", async () => {
    let times = 0;
    const { asked } = await startGate(project, () => "awake");
    await startBackend(project, "rel-05", "backend", (incoming) => {
      times++;
      incoming.socket.end("HTTP/1.1 200 OK\r\nX-Half");
    });
    expect((await request(project, "/rel-05/api/")).status).toBe(502);
    expect([times, asked.map(({ path }) => path)]).toEqual([1, ["/down"]]);
  });
});

test("a late answer is explained, and the request is not repeated", async () => {
  await using slow = await startProject({
    edit: (conf) => conf.replace("proxy_read_timeout 1h", "proxy_read_timeout 200ms"),
  });
  slow.addWorktree("rel-05");
  let times = 0;
  const { asked } = await startGate(slow, () => "awake");
  await startBackend(slow, "rel-05", "backend", () => void times++);
  const reply = await request(slow, "/rel-05/api/");
  expect([reply.status, JSON.parse(reply.body)]).toEqual([504, { error: "late" }]);
  expect([times, asked.map(({ path }) => path)]).toEqual([1, ["/down"]]);
});

test("a backend's X-Accel headers are not followed", async () => {
  const { asked } = await startGate(project);
  await startBackend(project, "rel-05", "backend", (_, response) =>
    response.writeHead(200, { "X-Accel-Redirect": "/.missing" }).end("mine"),
  );
  const reply = await request(project, "/rel-05/api/");
  expect([reply.status, reply.body, asked]).toEqual([200, "mine", []]);
});
