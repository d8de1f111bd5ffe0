import fs from "node:fs";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { type Project, startProject } from "./support/project.ts";
import { rawGet, request } from "./support/request.ts";

const SCRIPT = "export const answer = 42;\n";
let project: Project;
let frontend: string;

beforeAll(async () => {
  project = await startProject();
  project.addWorktree("rel-05");
  frontend = project.addFrontend("rel-05", "frontend", {
    "index.html": "<h1>index</h1>",
    "app.js": SCRIPT,
    "style.css": "",
    "data.json": "{}",
    "module.wasm": Buffer.from("\0asm"),
    "pages/index.html": "<h1>pages</h1>",
    "empty/keep.txt": "",
    "with space/ü.txt": "umlaut",
    ".hidden": "hidden",
  });
  fs.writeFileSync(`${project.layout.root}/secret.txt`, "secret");
  fs.symlinkSync(project.layout.root, `${frontend}/outside`);
  fs.symlinkSync("../../secret.txt", `${frontend}/secret.txt`);
  fs.symlinkSync("app.js", `${frontend}/inside.js`);
  fs.mkdirSync(`${frontend}/deep`);
  fs.symlinkSync("../../../secret.txt", `${frontend}/deep/index.html`);
});
afterAll(() => project?.[Symbol.asyncDispose]());

const get = (path: string, headers = {}) =>
  request(project, `/rel-05/frontend${path}`, { headers });

describe("files of a frontend", () => {
  test.each([
    ["/", "text/html; charset=utf-8"],
    ["/app.js", "text/javascript; charset=utf-8"],
    ["/style.css", "text/css; charset=utf-8"],
    ["/data.json", "application/json"],
    ["/module.wasm", "application/wasm"],
    ["/.hidden", "application/octet-stream"],
    ["/with%20space/%C3%BC.txt", "text/plain; charset=utf-8"],
  ])("%s is %s", async (path, type) => {
    const { status, headers } = await get(path);
    expect([status, headers["content-type"]]).toEqual([200, type]);
    expect(headers["cache-control"]).toBe("no-cache");
  });

  test("support range, HEAD and conditional requests", async () => {
    const part = await get("/app.js", { range: "bytes=7-11" });
    expect([part.status, part.body]).toEqual([206, "const"]);
    const head = await request(project, "/rel-05/frontend/app.js", { method: "HEAD" });
    expect([head.status, head.headers["content-length"], head.body]).toEqual([
      200,
      String(SCRIPT.length),
      "",
    ]);
    const again = await get("/app.js", { "if-none-match": head.headers.etag });
    expect(again.status).toBe(304);
  });

  test("are served in their present state", async () => {
    fs.writeFileSync(`${frontend}/new.txt`, "one");
    expect((await get("/new.txt")).body).toBe("one");
    fs.writeFileSync(`${frontend}/new.tmp`, "two!");
    fs.renameSync(`${frontend}/new.tmp`, `${frontend}/new.txt`);
    expect((await get("/new.txt")).body).toBe("two!");
    fs.rmSync(`${frontend}/new.txt`);
    expect((await get("/new.txt")).status).toBe(404);
  });

  test("are only read", async () => {
    for (const method of ["POST", "PUT", "DELETE", "OPTIONS", "PROPFIND"]) {
      const { status } = await request(project, "/rel-05/frontend/app.js", { method });
      expect([method, status]).toEqual([method, 405]);
    }
  });
});

describe("a single-page application", () => {
  test.each(["/users/1", "/users/1?tab=a.b", "/a.b/c", "/empty/", "/nothing/"])(
    "has the page %s",
    async (path) => {
      for (const method of ["GET", "HEAD"]) {
        const reply = await request(project, `/rel-05/frontend${path}`, { method });
        expect([reply.status, reply.headers["content-type"]]).toEqual([
          200,
          "text/html; charset=utf-8",
        ]);
        expect(reply.body).toBe(method === "GET" ? "<h1>index</h1>" : "");
      }
    },
  );

  test.each(["/missing.js", "/users/logo.png", "/app.js/"])("has no file %s", async (path) => {
    expect((await get(path)).body).not.toContain("export");
    if (!path.endsWith("/")) expect((await get(path)).status).toBe(404);
  });

  test("has directories with an index of their own", async () => {
    expect((await get("/pages/")).body).toBe("<h1>pages</h1>");
    const { status, headers } = await get("/pages?x");
    expect([status, headers.location]).toEqual([301, "/rel-05/frontend/pages/?x"]);
  });
});

describe("a link inside a frontend is not followed", () => {
  test.each([
    ["/secret.txt", 403],
    ["/inside.js", 403],
    ["/outside", 403],
    // As if nothing existed: 404 for a file, the application's page for a route.
    ["/outside/secret.txt", 404],
    ["/outside/", 200],
    ["/outside/main", 200],
    ["/deep/", 200],
  ])("%s", async (path, expected) => {
    const { status, body } = await get(path);
    expect(status).toBe(expected);
    expect(body).not.toContain("secret");
    if (status === 200) expect(body).toBe((await get("/")).body);
  });

  test("whichever address leads to it", async () => {
    project.makeDefault("rel-05");
    for (const [host, path] of [
      ["localhost", "/frontend/secret.txt"],
      ["rel-05.localhost", "/secret.txt"],
      ["rel-05.localhost", "/frontend/secret.txt"],
      ["frontend.rel-05.localhost", "/secret.txt"],
    ] as const) {
      expect((await request(project, path, { host })).status).toBe(403);
    }
  });
});

test("a path out of a frontend is 404", async () => {
  for (const path of ["/../../secret.txt", "/..%2f..%2fsecret.txt", "/%2e%2e/%2e%2e/secret.txt"]) {
    const { status, reply } = await rawGet(project, `/rel-05/frontend${path}`);
    expect([400, 404]).toContain(status);
    expect(reply).not.toContain("secret\n");
  }
});
