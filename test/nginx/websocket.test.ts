import http from "node:http";
import { afterAll, beforeAll, expect, test } from "vitest";
import { startBackend } from "./support/backend.ts";
import { type Project, startProject } from "./support/project.ts";
import { request } from "./support/request.ts";
import { echoWebSockets, throughWebSocket } from "./support/websocket.ts";

let project: Project;

beforeAll(async () => {
  project = await startProject();
  project.addWorktree("rel-05");
});
afterAll(() => project?.[Symbol.asyncDispose]());

test("a WebSocket carries bytes both ways", async () => {
  echoWebSockets(await startBackend(project, "rel-05"));
  const bytes = Buffer.alloc(200_000, "ws");
  const { head, echoed } = await throughWebSocket(project, "/rel-05/api/ws", bytes);
  expect(head).toContain("Sec-WebSocket-Accept: s3pPLMBiTxaQ9kYGzzhZRbK+xOo=");
  expect(echoed.equals(bytes)).toBe(true);
});

test("an event arrives before the next one is sent", async () => {
  let next: (() => void) | undefined;
  await startBackend(project, "rel-05", "events", (_, response) => {
    response.writeHead(200, { "content-type": "text/event-stream" });
    let number = 0;
    next = () => {
      if (++number > 3) response.end();
      else response.write(`data: ${number}\n\n`);
    };
    next();
  });
  const got: string[] = [];
  await new Promise<void>((resolve, reject) => {
    http
      .get(`${project.origin}/rel-05/events/api/`, { agent: false }, (response) => {
        response.on("error", reject).on("end", resolve);
        response.on("data", (chunk) => {
          got.push(String(chunk));
          // With buffering, this would never be requested.
          next?.();
        });
      })
      .on("error", reject);
  });
  expect(got).toEqual(["data: 1\n\n", "data: 2\n\n", "data: 3\n\n"]);
});

test("a large answer arrives completely, however it is sent", async () => {
  const big = Buffer.alloc(5_000_000, "0123456789");
  await startBackend(project, "rel-05", "big", (incoming, response) => {
    if (incoming.url === "/api/length") response.setHeader("content-length", big.length);
    response.end(big);
  });
  for (const path of ["length", "chunks"]) {
    const { body } = await request(project, `/rel-05/big/api/${path}`);
    expect(body === big.toString()).toBe(true);
  }
});

test("a truncated answer does not look complete", async () => {
  await startBackend(project, "rel-05", "torn", (_, response) => {
    response.writeHead(200, { "content-length": 100 });
    response.write("half", () => response.socket?.destroy());
  });
  await expect(request(project, "/rel-05/torn/api/")).rejects.toThrow();
});
