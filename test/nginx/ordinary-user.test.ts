import fs from "node:fs";
import { expect, test } from "vitest";
import { startBackend } from "./support/backend.ts";
import { startProject } from "./support/project.ts";
import { request, seen } from "./support/request.ts";

/** "nobody" on Debian, with no more rights than an ordinary user. */
const NOBODY = 65534;

test("nginx serves as an ordinary user, and writes only inside the project", async () => {
  await using project = await startProject(process.getuid?.() === 0 ? { uid: NOBODY } : {});
  project.addWorktree("rel-05");
  await startBackend(project, "rel-05");
  fs.chmodSync(project.socketOf("rel-05", "backend"), 0o777);
  const socketDirectory = `${project.layout.sockets}/rel-05`;
  fs.chmodSync(socketDirectory, 0o755);
  project.addFrontend("rel-05", "frontend", { "index.html": "index" });

  const body = Buffer.alloc(1_000_000);
  expect((await seen(project, "/rel-05/api/", { method: "POST", body })).bodyBytes).toBe(
    body.length,
  );
  expect((await request(project, "/rel-05/frontend/")).body).toBe("index");
  expect(fs.statSync(project.layout.nginxPid).uid).toBe(fs.statSync(project.layout.run).uid);
  expect(project.errors()).not.toMatch(/\[(?:emerg|alert)\]/);
});

test("a worker continues when run/ is deleted and recreated", async () => {
  await using project = await startProject();
  project.addWorktree("rel-05");
  fs.rmSync(project.layout.run, { recursive: true });
  fs.mkdirSync(`${project.layout.sockets}/rel-05`, { recursive: true });
  await startBackend(project, "rel-05");
  expect((await seen(project, "/rel-05/api/")).backend).toBe("rel-05/backend");
});
