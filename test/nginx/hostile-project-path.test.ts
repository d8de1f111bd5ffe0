import fs from "node:fs";
import { describe, expect, test } from "vitest";
import { echo, listen, startBackend } from "./support/backend.ts";
import { startGate } from "./support/gate.ts";
import { freePort, startProject, until } from "./support/project.ts";
import { request, seen } from "./support/request.ts";

describe("a project may be in a directory of any name", () => {
  test.each([
    'we ird$x;{}"q"',
    "$uri $" + "{host} $1",
    "it's \\ a \\n \\\" #comment",
    "new\nline\tand tab",
    "[glob]*?\\[x",
    "glob $x [a-z]",
    "Größe 世界 🦊",
    "; return 200; }",
    "~^/(.*)$",
    "l".repeat(200),
  ])("%j", async (name) => {
    const port = await freePort();
    await using project = await startProject({
      name,
      ports: [{ worktree: "rel-05", service: "tcp", port }],
    });
    project.addWorktree("rel-05");
    await startBackend(project, "rel-05");
    await listen(project, port, echo("tcp"));
    await startGate(project);
    project.addFrontend("rel-05", "frontend", { "index.html": "index", "a.txt": "file" });
    fs.symlinkSync("/etc", `${project.layout.root}/rel-05/frontend/etc`);

    expect((await seen(project, "/rel-05/api/a%2Fb")).url).toBe("/api/a%2Fb");
    expect((await seen(project, "/rel-05/tcp/api/")).backend).toBe("tcp");
    expect((await request(project, "/rel-05/frontend/a.txt")).body).toBe("file");
    expect((await request(project, "/rel-05/frontend/page")).body).toBe("index");
    expect((await request(project, "/", { host: "rel-05.localhost" })).body).toBe("index");
    expect((await request(project, "/rel-05/frontend/etc/passwd.x")).status).toBe(404);
    expect((await request(project, "/rel-05/nothing/api/")).status).toBe(404);
    const big = Buffer.alloc(1_000_000);
    const post = await seen(project, "/rel-05/api/", { method: "POST", body: big });
    expect(post.bodyBytes).toBe(big.length);
    const traffic = `${project.layout.run}/traffic`;
    await until(() => fs.readdirSync(traffic).join(" ") === "rel-05.backend rel-05.tcp");
    expect(project.errors()).not.toMatch(/\[(?:emerg|alert)\]/);
  });
});
