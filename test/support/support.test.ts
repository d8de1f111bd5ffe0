import { spawn } from "node:child_process";
import { once } from "node:events";
import { existsSync } from "node:fs";
import { createServer } from "node:net";
import { join } from "node:path";
import { expect, test } from "vitest";
import { ask } from "./http.ts";
import { reservePort } from "./ports.ts";
import { makeProject } from "./project.ts";
import { waitFor } from "./wait.ts";

test.each(["bare", "dot-bare", "clone"] as const)(
  "a %s project has its worktrees",
  async (layout) => {
    await using project = await makeProject({
      layout,
      worktrees: ["rel-05"],
      branches: ["rel-06"],
    });
    const listed = await project.git(".", "worktree", "list", "--porcelain");
    expect(listed).toContain(`worktree ${project.worktree("main")}\n`);
    expect(listed).toContain(`worktree ${project.worktree("rel-05")}\n`);
    const status = await project.git(project.worktree("rel-05"), "status", "--porcelain");
    expect(status).toBe("");
    const shown = await project.git(".", "show", "rel-06:backend/greeting.js");
    expect(shown).toContain("Hello from rel-06");
  },
);

test("disposing ends what runs in the project and removes it", async () => {
  const project = await makeProject();
  const script = "require('net').createServer().listen(0, () => console.log('up'))";
  const child = spawn(process.execPath, ["-e", script], { cwd: project.worktree("main") });
  await once(child.stdout, "data");
  const left = await project.dispose();
  expect(left).toEqual([expect.stringMatching(new RegExp(`^${child.pid} `))]);
  await waitFor(() => child.exitCode !== null || child.signalCode !== null);
  expect(existsSync(project.root)).toBe(false);
});

test("the tiny backend answers on a Unix socket given as PORT", async () => {
  await using project = await makeProject();
  const socketPath = join(project.home, "s");
  const cwd = join(project.worktree("main"), "backend");
  const env = { ...project.env, PORT: socketPath, IKIGAI_WORKTREE: "main" };
  const child = spawn(process.execPath, ["server.js"], { cwd, env });
  // A socket's file exists before listen(2).
  const answer = await waitFor(() => ask(0, "/api/a%2Fb", { socketPath }));
  expect(answer.json()).toMatchObject({ worktree: "main", path: "/api/a%2Fb" });
  child.kill();
});

test("a reserved port is free and is given to no one else", async () => {
  const { port, release } = await reservePort();
  const server = createServer().listen(port, "127.0.0.1");
  await once(server, "listening");
  const others = await Promise.all(Array.from({ length: 20 }, reservePort));
  expect(others.map((other) => other.port)).not.toContain(port);
  for (const other of others) other.release();
  server.close();
  release();
});

test("waiting reports the last value", async () => {
  const waiting = waitFor(() => Promise.reject(new Error("not there")), {
    deadline: 30,
    what: "it",
  });
  await expect(waiting).rejects.toThrow("Waited 30 ms for: it\nLast seen: not there");
});
