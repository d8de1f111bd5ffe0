import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { nginxConf } from "../../src/model/nginx/conf.ts";
import { startBackend } from "./support/backend.ts";
import { type Project, startProject } from "./support/project.ts";
import { raw, request, seen } from "./support/request.ts";

/** Still fits into nginx' limit for a name. */
const LONGEST = `${"a".repeat(63)}.${"b".repeat(63)}.${"c".repeat(63)}.example`;
let project: Project;

beforeAll(async () => {
  project = await startProject({ settings: { hosts: ["app.example.com", LONGEST] } });
  for (const worktree of ["main", "rel-05"]) {
    project.addWorktree(worktree);
    await startBackend(project, worktree);
  }
  project.makeDefault("main");
});
afterAll(() => project?.[Symbol.asyncDispose]());

test.each([
  "localhost",
  "127.0.0.1",
  "[::1]",
  "LOCALHOST",
  "localhost.",
  "app.example.com",
  LONGEST,
])("%s is served, whatever the port", async (host) => {
  for (const port of ["", ":1", `:${project.port}`]) {
    const headers = { host: host + port };
    expect((await seen(project, "/rel-05/api/", { headers })).headers.host).toBe(host + port);
  }
});

test.each([
  "evil.com",
  "localhost.evil.com",
  "rel-05.localhost.evil.com",
  "evillocalhost",
  "127.0.0.1.nip.io",
  "127.0.0.2",
  "0.0.0.0",
  "[::]",
  "x.app.example.com",
])("the name %j, which may be anybody's, is not", async (host) => {
  const { status, body } = await request(project, "/rel-05/api/", { headers: { host } });
  expect(status).toBe(403);
  expect(body).toContain(`http://localhost:${project.port}/`);
});

test("a request without a host is not", async () => {
  expect(await raw(project, "GET /rel-05/api/ HTTP/1.0\r\n\r\n")).toMatch(/^HTTP\/1\.1 403 /);
  for (const host of ["", "Host:\r\n"]) {
    const reply = await raw(
      project,
      `GET /rel-05/api/ HTTP/1.1\r\n${host}Connection: close\r\n\r\n`,
    );
    expect(reply).toMatch(/^HTTP\/1\.1 400 /);
  }
});

describe("a worktree's host", () => {
  test.each([
    "rel-06.localhost",
    "x.rel-06.localhost",
    "rel_05.localhost",
    ".localhost",
    "*.localhost",
  ])("%s is nobody's", async (host) => {
    for (const path of ["/", "/api/", "/main/api/", "/rel-05/api/"]) {
      expect([400, 404]).toContain((await request(project, path, { host })).status);
    }
  });

  test("knows no other worktree", async () => {
    expect((await seen(project, "/api/", { host: "REL-05.localhost" })).backend).toBe(
      "rel-05/backend",
    );
    expect((await request(project, "/main/api/", { host: "rel-05.localhost" })).status).toBe(503);
  });
});

test("a host or a user that is more than a name is refused before it is written", () => {
  const settings = { layout: project.layout, httpPort: 1, ipv6: false };
  for (const host of [
    "a b",
    "a;b",
    'a"b',
    "~x",
    "*.x",
    "a:1",
    "",
    "$host",
    "Dev.X",
    `${"a".repeat(201)}`,
  ]) {
    expect(() => nginxConf({ ...settings, hosts: [host] })).toThrow(RangeError);
  }
  expect(() => nginxConf({ ...settings, user: "root; daemon off" })).toThrow(RangeError);
});
