import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { startBackend } from "./support/backend.ts";
import { startGate } from "./support/gate.ts";
import { type Project, startProject } from "./support/project.ts";
import { raw, rawGet } from "./support/request.ts";

let project: Project;

beforeAll(async () => {
  project = await startProject();
  for (const worktree of ["main", "rel-05"]) {
    project.addWorktree(worktree);
    await startBackend(project, worktree);
    project.addFrontend(worktree, "frontend", { "index.html": `index of ${worktree}` });
  }
  project.makeDefault("main");
  await startGate(project);
});
afterAll(() => project?.[Symbol.asyncDispose]());

describe("an ambiguous address is rejected", () => {
  test.each([
    ["/rel-05x/api/", 404],
    ["/rel-05../api/", 404],
    ["/rel-05../", 404],
    ["//rel-05//a", 404],
    ["//rel-05/api/", 404],
    ["/rel-05//api/", 404],
    ["/rel-05%2fapi/", 404],
    ["/rel-05%2fa", 404],
    ["/rel-05/%61pi/x", 404],
    ["/%72el-05/", 404],
    ["/%72el-05/api/", 404],
    ["/rel%2d05/api/", 404],
    ["/REL-05/api/", 404],
    ["/..%2f", 400],
    ["/../", 400],
    ["/.default/api/", 404],
    ["/.none/api/", 404],
    ["/.backend", 404],
    ["/.direct", 404],
    ["/.kept", 404],
    ["/.missing", 404],
    ["/.backend/api/x", 404],
    ["/./rel-05/api/", 404],
    ["/main/../rel-05/api/", 404],
    ["/rel-05/../main/api/", 404],
    ["/rel-05/api/../../main/api/", 404],
    ["/rel-05/api/..%2f..%2fetc", 404],
    ["/rel-05/api/..%2f..%2f..%2fetc", 400],
    ["/rel-05/api/%2e%2e/%2e%2e/main/api/", 404],
    ["/rel-05/api/..;/..;/main/api/", 200],
    ["/rel-05/frontend/../../main/frontend/", 404],
    ["/rel-05/frontend/..%2f..%2fmain%2ffrontend%2f", 404],
    ["/rel-05/frontend/%2e%2e/frontend/../../main/frontend/", 404],
    ["/rel-05/frontend/..%5c..%5cmain/", 200],
    ["/rel-05;/api/", 404],
    ["/rel-05\\api/", 404],
    ["/rel-05#/api/", 404],
    ["/api%2f", 404],
    ["/api;x/", 404],
    ["/apix/", 404],
    ["*", 400],
    ["rel-05/api/", 400],
  ])("%s is %i", async (target, status) => {
    const got = await rawGet(project, target);
    expect(got.status).toBe(status);
    if (target.startsWith("/rel-05/")) expect(got.reply).not.toMatch(/index of main|main\/backend/);
    else expect(got.reply).not.toMatch(/index of|"backend":/);
  });

  test.each(["/../main/frontend/", "/a/../../main/", "/%2e%2e/%2e%2e/main/frontend/index.html"])(
    "nor on a worktree's own origin: %s",
    async (target) => {
      for (const host of ["rel-05.localhost", "frontend.rel-05.localhost"]) {
        const { status, reply } = await rawGet(project, target, host);
        expect([status, reply.includes("index of main")]).toEqual([400, false]);
      }
    },
  );
});

describe("a request that names two hosts", () => {
  const send = (target: string, ...headers: string[]): Promise<string> =>
    raw(project, [`GET ${target} HTTP/1.1`, ...headers, "Connection: close", "", ""].join("\r\n"));

  test("in its line and its header is refused, unless they are the same", async () => {
    const line = "http://rel-05.localhost/api/x";
    expect(await send(line, "Host: localhost")).toMatch(/^HTTP\/1\.1 400 /);
    expect(await send(line, "Host: evil.com")).toMatch(/^HTTP\/1\.1 400 /);
    expect(await send("http://evil.com/rel-05/api/x", "Host: localhost")).toMatch(
      /^HTTP\/1\.1 403 /,
    );
    expect(await send(line, "Host: rel-05.localhost")).toContain('"backend":"rel-05/backend"');
    expect(await send("http://localhost", "Host: localhost")).toMatch(/^HTTP\/1\.1 [34]0[24] /);
    expect(await send("http://localhost?/api/", "Host: localhost")).not.toContain('"backend":');
    expect(await send("http://user@localhost/api/", "Host: localhost")).toMatch(/^HTTP\/1\.1 400 /);
  });

  test("in two headers is refused", async () => {
    expect(await send("/rel-05/api/", "Host: localhost", "Host: main.localhost")).toMatch(
      /^HTTP\/1\.1 400 /,
    );
    expect(await send("/rel-05/api/", "Host: localhost main.localhost")).toMatch(
      /^HTTP\/1\.1 400 /,
    );
  });

  test("in a header that is no name is refused", async () => {
    for (const host of ["rel-05.localhost/x", "../main", "rel-05.localhost:x", "a\0b", "[::1"]) {
      expect(await send("/api/", `Host: ${host}`)).toMatch(/^HTTP\/1\.1 4(00|03|04) /);
    }
  });
});

describe("a request with an ambiguous length is rejected", () => {
  const inner = "GET /main/api/smuggled HTTP/1.1\r\nHost: localhost\r\n\r\n";
  test.each([
    ["both ends", ["Content-Length: 5", "Transfer-Encoding: chunked"], `0\r\n\r\n${inner}`],
    ["two lengths", ["Content-Length: 0", `Content-Length: ${inner.length}`], inner],
    ["an odd coding", ["Transfer-Encoding: xchunked"], `0\r\n\r\n${inner}`],
    ["two codings", ["Transfer-Encoding: chunked, identity"], `0\r\n\r\n${inner}`],
    ["a signed length", ["Content-Length: +0"], inner],
  ])("%s", async (_, headers, body) => {
    const head = ["POST /rel-05/api/ HTTP/1.1", "Host: localhost", ...headers, "", ""].join("\r\n");
    const replies = await raw(project, head + body);
    expect(replies).toMatch(/^HTTP\/1\.1 (400|501) /);
    expect(replies).not.toContain("smuggled");
  });

  test("a name with a space before the colon is no header", async () => {
    const head = "POST /rel-05/api/ HTTP/1.1\r\nHost: localhost\r\nTransfer-Encoding : chunked\r\n";
    const replies = await raw(project, `${head}Connection: close\r\n\r\n0\r\n\r\n${inner}`);
    expect(replies).not.toContain("smuggled");
  });

  test("an upgrade to anything but a WebSocket is not passed on", async () => {
    const reply = await raw(
      project,
      "GET /rel-05/api/ HTTP/1.1\r\nHost: localhost\r\nConnection: Upgrade, HTTP2-Settings, close\r\nUpgrade: h2c\r\nHTTP2-Settings: AAMAAABk\r\n\r\n",
    );
    expect(reply).toMatch(/^HTTP\/1\.1 200 /);
    expect(reply).not.toContain('"upgrade"');
  });
});
