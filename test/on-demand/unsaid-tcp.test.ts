import { existsSync, readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { expect, test } from "vitest";
import { makeProject } from "../support/project.ts";
import { waitFor } from "../support/wait.ts";

const server = readFileSync(
  fileURLToPath(new URL("../../fixtures/services/tcp-only/backend/server.js", import.meta.url)),
  "utf8",
);

const tiny = readFileSync(
  fileURLToPath(new URL("../../fixtures/tiny/backend/server.js", import.meta.url)),
  "utf8",
);

test("a Node backend that takes no socket is given a port automatically", async () => {
  await using project = await makeProject({
    app: "tiny",
    worktrees: ["rel-05"],
    files: { "backend/server.js": server },
  });
  const start = await project.ikigai("start");
  expect(start.exitCode, start.stderr).toBe(0);

  for (const worktree of ["main", "rel-05"]) {
    const answer = await project.http(`/${worktree}/api/hello`);
    expect(answer.status, answer.text).toBe(200);
    expect(JSON.parse(answer.text)).toMatchObject({ worktree });
  }
  const map = readFileSync(join(project.root, ".ikigai/run/ports.map"), "utf8");
  const ports = [...map.matchAll(/"(?:main|rel-05)\/backend" (\d+);/g)].map(([, port]) => port);
  expect(new Set(ports).size).toBe(2);
});

test("one that fails for another reason has its socket again when it is fixed", async () => {
  await using project = await makeProject({
    app: "tiny",
    files: { "backend/server.js": "process.exit(3);\n" },
  });
  await project.ikigai("start");
  const answer = await project.http("/main/api/hello");
  expect(answer.status).toBe(503);
  expect(answer.text).toContain("exit code 3");
  const file = join(project.worktree("main"), "backend/server.js");
  writeFileSync(file, tiny);
  const answers = async () => (await project.http("/main/api/hello")).status === 200;
  await waitFor(answers);
  // Its back-off may have started it on its port before the daemon noticed the fix.
  const map = () => readFileSync(join(project.root, ".ikigai/run/ports.map"), "utf8");
  await waitFor(() => map() === "");
  await waitFor(answers);
  expect(map()).toBe("");
});

test("one that takes no socket has its port again after a failure and a fix", async () => {
  await using project = await makeProject({ app: "tiny", files: { "backend/server.js": server } });
  await project.ikigai("start");
  const hello = () => project.http("/main/api/hello");
  expect((await hello()).status).toBe(200);
  const file = join(project.worktree("main"), "backend/server.js");
  writeFileSync(file, "process.exit(3);\n");
  await project.ikigai("restart", "main/backend");
  await waitFor(async () => (await hello()).status === 503);
  writeFileSync(file, server);
  await waitFor(async () => (await hello()).status === 200);
  // Tried with a socket once more, and not again.
  const map = () => readFileSync(join(project.root, ".ikigai/run/ports.map"), "utf8");
  const crashes = () => existsSync(join(project.root, ".ikigai/run/services/main.backend/crashes"));
  await waitFor(async () => map() !== "" && !crashes() && (await hello()).status === 200);
});
