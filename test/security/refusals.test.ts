import { lstatSync, mkdirSync, readFileSync, rmSync, symlinkSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { afterAll, beforeAll, expect, test } from "vitest";
import { makeProject, type TestProject } from "../support/project.ts";
import { waitFor } from "../support/wait.ts";

let project: TestProject;

beforeAll(async () => {
  project = await makeProject({ worktrees: ["rel-05"] });
  expect((await project.ikigai("start")).exitCode).toBe(0);
});
afterAll(() => project?.[Symbol.asyncDispose]());

test("a service directory that is a link is refused by name, and nothing of it is served", async () => {
  const outside = join(project.root, "../outside");
  mkdirSync(join(outside, "backend"), { recursive: true });
  mkdirSync(join(outside, "frontend"));
  writeFileSync(join(outside, "frontend/index.html"), "stranger");
  const canary = join(outside, "canary");
  writeFileSync(join(outside, "backend/run"), `#!/bin/sh\ntouch '${canary}'\n`, { mode: 0o755 });
  mkdirSync(join(project.worktree("main"), "web"));
  symlinkSync(join(outside, "backend"), join(project.worktree("main"), "web/backend"));
  symlinkSync(join(outside, "frontend"), join(project.worktree("main"), "web/frontend"));
  symlinkSync(outside, join(project.worktree("main"), "whole"));
  symlinkSync(
    join(outside, "frontend/index.html"),
    join(project.worktree("main"), "frontend/leak.html"),
  );
  // 1, as something was refused; the rest is running.
  expect((await project.ikigai("start")).exitCode).toBe(1);
  const list = await project.ikigai("wt", "list", "--json");
  expect(list.stdout).toContain("web: backend is a symbolic link");
  expect(list.stdout).toContain("web: frontend is a symbolic link");
  for (const path of [
    "/main/web/",
    "/main/whole/",
    "/main/web/api/x",
    "/main/frontend/leak.html",
  ]) {
    const answer = await project.http(path);
    expect(answer.status, path).not.toBe(200);
    expect(answer.text).not.toContain("stranger");
  }
  expect(() => lstatSync(canary)).toThrow();
  for (const name of ["web", "whole", "frontend/leak.html"]) {
    rmSync(join(project.worktree("main"), name), { recursive: true });
  }
  expect((await project.ikigai("start")).exitCode).toBe(0);
});

const LINKED = ["daemon.sock", "run/gate.sock", "run/pgpass", "run/secret", "run/ports.map"];

test("links in place of sockets and state files are not followed", async () => {
  expect((await project.ikigai("stop")).exitCode).toBe(0);
  const victims = LINKED.map((name, i) => {
    const victim = join(project.root, `../victim${i}`);
    writeFileSync(victim, "", { mode: 0o644 });
    const path = join(project.root, ".ikigai", name);
    rmSync(path, { force: true });
    symlinkSync(victim, path);
    return victim;
  });
  expect((await project.ikigai("start")).exitCode).toBe(0);
  for (const [i, victim] of victims.entries()) {
    expect(readFileSync(victim, "utf8"), LINKED[i]).toBe("");
    expect(lstatSync(victim).mode & 0o777, LINKED[i]).toBe(0o644);
  }
  expect((await project.http("/main/api/x")).status).toBe(200);
});

const BOMB = `${Array.from(
  { length: 12 },
  (_, i) =>
    `a${i}: &a${i} [${Array(10)
      .fill(i ? `*a${i - 1}` : "x")
      .join(",")}]`,
).join("\n")}\n`;

const MALICIOUS: readonly (readonly [string, string, string])[] = [
  ["a prototype", ".ikigairc.json", '{"__proto__": {"http": {"port": 1}}, "constructor": {}}'],
  [
    "a port that is a command",
    ".ikigairc.json",
    '{"http": {"port": "8888; touch /tmp/iki-never"}}',
  ],
  ["a host that ends its line", ".ikigairc.json", '{"http": {"hosts": ["x\\"; } server {"]}}'],
  ["a YAML bomb", ".ikigairc.yaml", BOMB],
  ["a deep nest", ".ikigairc.json", "[".repeat(100_000)],
  [
    "an environment that loads code",
    ".ikigairc.json",
    '{"services":{"backend":{"env":{"NODE_OPTIONS":"--require /tmp/x"}}}}',
  ],
];

test("a malicious configuration in one worktree harms no other", async () => {
  for (const [what, name, text] of MALICIOUS) {
    const file = join(project.worktree("rel-05"), name);
    writeFileSync(file, text);
    const looked = await project.ikigai("start");
    expect(looked.stderr, what).not.toContain("    at ");
    expect((await project.http("/main/api/x")).status, what).toBe(200);
    const { stdout } = await project.ikigai("wt", "list", "--json");
    expect(JSON.parse(stdout).worktrees, what).toHaveLength(2);
    rmSync(file);
  }
  await waitFor(async () => (await project.http("/rel-05/api/x")).status === 200);
});
