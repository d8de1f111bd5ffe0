import { createHash } from "node:crypto";
import { readFileSync } from "node:fs";
import { afterAll, beforeAll, beforeEach, expect, test } from "vitest";
import type { TestProject } from "../support/project.ts";
import { waitFor } from "../support/wait.ts";
import {
  ask,
  logOf,
  openStream,
  openWebSocket,
  run,
  service,
  startProbes,
  starts,
  tell,
} from "./support.ts";

let project: TestProject;

const probe = (file: string) =>
  readFileSync(new URL(`./probe/backend/${file}`, import.meta.url), "utf8");

beforeAll(async () => {
  project = await startProbes(
    { services: { late: { patience: "1s" } } },
    {
      files: {
        "late/backend/package.json": probe("package.json"),
        "late/backend/server.js": probe("server.js"),
        "late/backend/settings.json": '{"listenAfter":4000}',
      },
    },
  );
});
afterAll(() => project?.dispose());
beforeEach(async () => {
  tell(project, "rel-05", {});
  await run(project, "down", "rel-05");
});

const megabyte = "0123456789abcdef".repeat(65_536);

test.each(["POST", "PUT", "PATCH", "DELETE"])("a %s keeps its body", async (method) => {
  const seen = await ask(project, "rel-05", {
    method,
    body: megabyte,
    headers: { "content-length": megabyte.length },
  });
  const sha256 = createHash("sha256").update(megabyte).digest("hex");
  expect(seen).toMatchObject({ method, size: megabyte.length, sha256, worktree: "rel-05" });
});

test("a WebSocket opens and carries bytes both ways", async () => {
  const socket = await openWebSocket(project, "rel-05");
  expect(socket.head).toBe("HTTP/1.1 101 Switching Protocols");
  await socket.echo("are you awake");
  socket.close();
});

test("an event stream opens", async () => {
  const stream = await openStream(project, "rel-05");
  await project.http("/rel-05/api/release");
  expect(await stream.ended).toBe("data: begins\n\ndata: ends\n\n");
});

test("a hundred requests at once cause one start and are all answered", async () => {
  const before = starts(project, "rel-05");
  const seen = await Promise.all(
    Array.from({ length: 100 }, (_, i) =>
      ask(project, "rel-05", i % 2 === 0 ? {} : { method: "POST", body: `${i}` }),
    ),
  );
  expect(new Set(seen.map(({ pid }) => pid)).size).toBe(1);
  expect(starts(project, "rel-05") - before).toBe(1);
});

test("a service that exits at its start is explained, as JSON and as a page", async () => {
  tell(project, "rel-05", { broken: "The table <wishes> is missing" });
  const json = await project.http("/rel-05/api/x", { method: "POST", body: "x" });
  expect(json.status).toBe(503);
  expect(json.headers["content-type"]).toBe("application/json");
  const said = json.json<{ error: string; why: string; next: string; log: string[] }>();
  expect(said).toMatchObject({
    error: "rel-05/backend is down",
    why: "it ended with exit code 1",
    next: "ikigai logs rel-05/backend",
  });
  expect(said.log.join("\n")).toContain("The table <wishes> is missing");
  const html = await project.http("/rel-05/api/x", { headers: { accept: "text/html" } });
  expect(html.status).toBe(503);
  expect(html.headers["content-type"]).toContain("text/html");
  expect(html.text).toContain('http-equiv="refresh"');
  expect(html.text).toContain("The table &#60;wishes&#62; is missing");
  expect(html.text).not.toContain("<wishes>");
  expect((await service(project, "rel-05")).state).toBe("crashed");
});

test("a service that does not listen in time is explained, and used once it does", async () => {
  const ask = () => project.http("/rel-05/late/api/x");
  const late = await ask();
  expect(late.status).toBe(503);
  expect(late.json()).toMatchObject({
    why: expect.stringMatching(/^it did not start listening within 1 s; .*services\.late\.http/),
  });
  await waitFor(async () => (await ask()).status === 200);
  expect(starts(project, "rel-05", "late")).toBe(1);
});

test("a request that a service aborted is not repeated", async () => {
  await ask(project, "rel-05");
  const answer = await project.http("/rel-05/api/crash", { method: "POST", body: "x" });
  expect(answer.status).toBe(502);
  expect(answer.json()).toMatchObject({ error: "rel-05/backend did not answer" });
  expect(logOf(project, "rel-05")).toContain("probe begins");
});
