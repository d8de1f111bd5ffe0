import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { startBackend } from "./support/backend.ts";
import { startGate } from "./support/gate.ts";
import { type Project, startProject } from "./support/project.ts";
import { request, seen } from "./support/request.ts";

let project: Project;

beforeAll(async () => {
  project = await startProject();
  for (const worktree of ["main", "rel-05"]) {
    project.addWorktree(worktree);
    for (const service of ["backend", "admin"]) {
      await startBackend(project, worktree, service);
      const name = service === "backend" ? "frontend" : service;
      project.addFrontend(worktree, name, { "index.html": `index of ${worktree}/${service}` });
    }
  }
  project.addWorktree("api");
  await startBackend(project, "api");
  await startBackend(project, "main", "headless");
  await startBackend(project, "api", "admin");
  project.makeDefault("main");
  await startGate(project);
});
afterAll(() => project?.[Symbol.asyncDispose]());

describe("an address reaches the backend it names", () => {
  test.each([
    ["localhost", "/api/x", ".default/backend", "/api/x", ""],
    ["localhost", "/admin/api/x", ".default/admin", "/api/x", "/admin"],
    ["localhost", "/rel-05/api/x", "rel-05/backend", "/api/x", "/rel-05"],
    ["localhost", "/rel-05/admin/api/x", "rel-05/admin", "/api/x", "/rel-05/admin"],
    ["localhost", "/main/api/x", "main/backend", "/api/x", "/main"],
    ["127.0.0.1", "/rel-05/api", "rel-05/backend", "/api", "/rel-05"],
    ["[::1]", "/rel-05/api?q", "rel-05/backend", "/api?q", "/rel-05"],
    ["rel-05.localhost", "/api/x", "rel-05/backend", "/api/x", ""],
    ["rel-05.localhost", "/admin/api/x", "rel-05/admin", "/api/x", "/admin"],
    ["rel-05.localhost", "/main/api/x", undefined, "", ""],
    ["admin.rel-05.localhost", "/api/x", "rel-05/admin", "/api/x", ""],
    ["backend.rel-05.localhost", "/api/x", "rel-05/backend", "/api/x", ""],
    ["frontend.rel-05.localhost", "/api/x", "rel-05/backend", "/api/x", ""],
    ["headless.main.localhost", "/any/thing?x", "main/headless", "/any/thing?x", ""],
    ["headless.main.localhost", "/", "main/headless", "/", ""],
    ["api.localhost", "/api/x", "api/backend", "/api/x", ""],
    ["api.localhost", "/", "api/backend", "/", ""],
    ["api.localhost", "/?a=%2F", "api/backend", "/?a=%2F", ""],
    ["api.localhost", "/some%2Fpage", "api/backend", "/some%2Fpage", ""],
    ["api.localhost", "/some/page/", "api/backend", "/some/page/", ""],
    ["api.localhost", "/admin/api/x", "api/admin", "/api/x", "/admin"],
    ["admin.api.localhost", "/", "api/admin", "/", ""],
  ])("%s%s", async (host, path, backend, url, prefix) => {
    if (backend === undefined) {
      expect((await request(project, path, { host })).status).toBe(404);
      return;
    }
    const got = await seen(project, path, { host });
    expect([got.backend.replace(/^main\//, "main/"), got.url]).toEqual([
      backend.replace(".default", "main"),
      url,
    ]);
    expect(got.headers["x-forwarded-prefix"] ?? "").toBe(prefix);
    expect(got.headers.host).toBe(`${host}:${project.port}`);
    expect(got.headers["x-forwarded-host"]).toBe(`${host}:${project.port}`);
  });
});

describe("an address reaches the frontend it names", () => {
  test.each([
    ["localhost", "/frontend/", "main/backend"],
    ["localhost", "/admin/", "main/admin"],
    ["localhost", "/rel-05/frontend/", "rel-05/backend"],
    ["localhost", "/rel-05/frontend/some/page", "rel-05/backend"],
    ["localhost", "/rel-05/admin/index.html", "rel-05/admin"],
    ["rel-05.localhost", "/", "rel-05/backend"],
    ["rel-05.localhost", "/?q", "rel-05/backend"],
    ["rel-05.localhost", "/some/page", "rel-05/backend"],
    ["rel-05.localhost", "/index.html", "rel-05/backend"],
    ["rel-05.localhost", "/frontend/", "rel-05/backend"],
    ["rel-05.localhost", "/admin/", "rel-05/admin"],
    ["admin.rel-05.localhost", "/", "rel-05/admin"],
    ["admin.rel-05.localhost", "/some/page", "rel-05/admin"],
    ["backend.rel-05.localhost", "/", "rel-05/backend"],
    ["frontend.rel-05.localhost", "/", "rel-05/backend"],
  ])("%s%s", async (host, path, content) => {
    const { status, body } = await request(project, path, { host });
    expect([status, body]).toEqual([200, `index of ${content}`]);
  });
});

describe("an address without its slash redirects to the one with it", () => {
  test.each([
    ["localhost", "/", "/frontend/"],
    ["localhost", "/?a=%2F", "/frontend/?a=%2F"],
    ["localhost", "/frontend", "/frontend/"],
    ["localhost", "/admin?a=b", "/admin/?a=b"],
    ["localhost", "/rel-05", "/rel-05/frontend/"],
    ["localhost", "/rel-05?a", "/rel-05/frontend/?a"],
    ["localhost", "/rel-05/", "/rel-05/frontend/"],
    ["localhost", "/rel-05/admin", "/rel-05/admin/"],
    ["rel-05.localhost", "/admin", "/admin/"],
  ])("%s%s", async (host, path, location) => {
    const reply = await request(project, path, { host });
    expect([reply.status, reply.headers.location]).toEqual([302, location]);
  });
});

describe("an unknown address is 404, and never another worktree's", () => {
  test.each([
    ["localhost", "/rel-06/api/x"],
    ["localhost", "/rel-06/frontend/"],
    ["localhost", "/nothing/"],
    ["localhost", "/rel-05/nothing/"],
    ["localhost", "/rel-05/nothing/api/x"],
    ["localhost", "/headless/"],
    ["localhost", "/favicon.ico"],
    ["rel-06.localhost", "/api/x"],
    ["rel-06.localhost", "/"],
    ["admin.rel-06.localhost", "/api/x"],
    ["nothing.rel-05.localhost", "/api/x"],
    ["a.b.rel-05.localhost", "/api/x"],
  ])("%s%s", async (host, path) => {
    expect((await request(project, path, { host })).status).toBe(404);
  });
});

test("a new worktree is reachable, and a removed one is not, without a reload", async () => {
  expect((await request(project, "/late/api/x")).status).toBe(404);
  project.addWorktree("late");
  const server = await startBackend(project, "late");
  expect((await seen(project, "/late/api/x")).backend).toBe("late/backend");
  server.close();
});
