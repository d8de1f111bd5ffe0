import { once } from "node:events";
import net from "node:net";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { startBackend } from "./support/backend.ts";
import { type Project, startProject } from "./support/project.ts";
import { raw, rawGet, request, seen } from "./support/request.ts";

let project: Project;

beforeAll(async () => {
  project = await startProject();
  project.addWorktree("rel-05");
  await startBackend(project, "rel-05");
  await startBackend(project, "rel-05", "admin");
  project.addWorktree("bytes");
  for (const service of ["backend", "admin"])
    await sayRequestLine(project.socketOf("bytes", service));
});
afterAll(() => project?.[Symbol.asyncDispose]());

/** A server that returns the bytes of the request line; node:http rejects some of them. */
async function sayRequestLine(socket: string): Promise<void> {
  const server = net.createServer((connection) => {
    connection.on("error", () => {});
    let head = Buffer.alloc(0);
    connection.on("data", (data) => {
      head = Buffer.concat([head, data]);
      if (!head.includes("\r\n\r\n")) return;
      const line = head.subarray(0, head.indexOf("\r"));
      connection.write(`HTTP/1.1 200 OK\r\nContent-Length: ${line.length}\r\n\r\n`);
      connection.end(line);
    });
  });
  server.listen(socket);
  await once(server, "listening");
  project.defer(() => server.close());
}

const everyByte = Array.from({ length: 255 }, (_, i) => `%${(i + 1).toString(16).padStart(2, "0")}`)
  .filter((code) => code !== "%2e")
  .join("");

describe("a backend sees the path from /api/ on, byte for byte", () => {
  test.each([
    "/api",
    "/api/",
    "/api?",
    "/api?a=/api/b?c",
    "/api/a%2Fb%2fc",
    "/api/%20%3F%23%25%252F",
    "/api//a///b//",
    "/api/a/./b/../c",
    "/api/a;b=c,d&e='f'\"(g)*!$~@:",
    "/api/{a}|b^c`d\\e<f>",
    "/api/%C3%BC%FF",
    "/api/\xc3\xbc\xff",
    "/api/%7Euser/%41",
    "/api/x?q=%2F+%20&q=%00&//x",
    "/api/api/api",
    "/api/x#fragment",
    `/api/${everyByte}`,
    `/api/${"long/".repeat(3000)}`,
  ])("%s", async (path) => {
    for (const [host, prefix] of [
      ["localhost", "/bytes"],
      ["localhost", "/bytes/admin"],
      ["bytes.localhost", ""],
      ["admin.bytes.localhost", ""],
    ] as const) {
      const { status, reply } = await rawGet(project, prefix + path, host);
      expect([status, reply.split("\r\n\r\n")[1]]).toEqual([200, `GET ${path} HTTP/1.1`]);
    }
  });

  test("a service without a frontend sees the whole path on its own origin", async () => {
    for (const path of ["/", "/a%2Fb//c?d", "/../x", "/a/../../b"]) {
      const { status, reply } = await rawGet(project, path, "admin.rel-05.localhost");
      if (path.includes("..")) expect(status).toBe(400);
      else expect(reply).toContain(JSON.stringify(path).slice(1, -1));
    }
  });

  test.each(["/rel-05/api/%00", "/rel-05/api/%zz", "/rel-05/api/a b", "/rel-05/api/\x01"])(
    "an invalid URI is rejected: %j",
    async (path) => expect((await rawGet(project, path)).status).toBe(400),
  );
});

describe("only nginx sets the headers about a request's origin", () => {
  test("headers of a client are replaced", async () => {
    const lies = Object.fromEntries(
      `Forwarded X-Forwarded-For X-Forwarded-Host X-Forwarded-Proto X-Forwarded-Prefix X-Forwarded-Port
       X-Forwarded-Server X-Forwarded-Uri X-Real-IP X-Original-URL X-Rewrite-URL X-Accel-Redirect
       X-Accel-Mapping X-Ikigai-Worktree Proxy X_Forwarded_For
       X-Forwarded-Client-Cert X-Forwarded-Email X-Forwarded-Groups X-Forwarded-Access-Token
       X-Forwarded-Proto-Version X-Forwarded-Method X-Forwarded-Preferred-Username
       X-Forwarded-Tls-Client-Cert X-Forwarded-Https X-Forwarded-Context X-Forwarded-Url X-Scheme
       X-Script-Name X-Auth-Request-User X-Auth-Request-Email X-Auth-Request-Groups
       X-Auth-Request-Access-Token X-Auth-Request-Preferred-Username X-Envoy-Original-Path
       X-Envoy-External-Address X-HTTP-Method True-Client-IP CF-Connecting-IP Fastly-Client-IP
       X-Originating-IP X-Remote-IP X-Remote-Addr X-Remote-User Remote-User Client-IP X-Base-Path`
        .split(/\s+/)
        .map((name) => [name, "lie"]),
    );
    const { headers } = await seen(project, "/rel-05/api/", { headers: lies });
    expect(Object.entries(headers).filter(([, value]) => value.includes("lie"))).toEqual([]);
    expect(headers).toMatchObject({
      "x-forwarded-for": "127.0.0.1",
      "x-forwarded-proto": "http",
      "x-forwarded-prefix": "/rel-05",
      "x-forwarded-host": `localhost:${project.port}`,
    });
    expect(project.errors()).toBe("");
  });

  test("an empty prefix removes the client's too", async () => {
    const headers = { "x-forwarded-prefix": "/lie" };
    const got = await seen(project, "/api/", { host: "rel-05.localhost", headers });
    expect(got.headers["x-forwarded-prefix"]).toBeUndefined();
  });

  test("all other headers of a client are passed on", async () => {
    const headers = {
      authorization: "Bearer x",
      cookie: "a=b; c=d",
      te: "trailers",
      "x-own": "1",
      via: "1.1 a",
    };
    const got = await seen(project, "/rel-05/api/", { method: "REPORT", headers, body: "b" });
    expect(got).toMatchObject({ method: "REPORT", bodyBytes: 1 });
    expect(got.headers).toMatchObject({
      authorization: "Bearer x",
      cookie: "a=b; c=d",
      "x-own": "1",
    });
  });
});

test("a backend's answer arrives unchanged", async () => {
  await startBackend(project, "rel-05", "own", (_, response) => {
    response.writeHead(201, "Made", {
      date: "then",
      server: "mine",
      location: "http://localhost:1/x",
      "set-cookie": ["a=1; Path=/api", "b=2; Domain=x"],
      "content-type": "text/html",
      "x-big": "y".repeat(12_000),
    });
    response.end("<p>");
  });
  const { status, headers, body } = await request(project, "/rel-05/own/api/");
  expect([status, body]).toEqual([201, "<p>"]);
  expect(headers).toMatchObject({
    date: "then",
    server: "mine",
    location: "http://localhost:1/x",
    "set-cookie": ["a=1; Path=/api", "b=2; Domain=x"],
    "content-type": "text/html",
  });
  expect(Object.keys(headers).sort().join(" ")).toBe(
    "connection content-type date location server set-cookie transfer-encoding x-big",
  );
});

test("requests follow each other on one connection", async () => {
  const one = `GET /rel-05/api/1 HTTP/1.1\r\nHost: localhost\r\n\r\n`;
  const last = one.replace("api/1", "api/2").replace("\r\n\r\n", "\r\nConnection: close\r\n\r\n");
  const replies = await raw(project, one + last);
  expect(replies.match(/"url":"[^"]*"/g)).toEqual(['"url":"/api/1"', '"url":"/api/2"']);
});
