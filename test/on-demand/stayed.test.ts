import { readFileSync } from "node:fs";
import { join } from "node:path";
import { expect, test } from "vitest";
import { makeProject } from "../support/project.ts";
import { waitFor } from "../support/wait.ts";

/** Leaves a program behind in its own session and group; a shell passes its descriptors on. */
const RUN = `#!/bin/sh
setsid sleep 600 &
echo "$!" >>stayed
exec node server.cjs
`;
const SERVER = `require("node:http").createServer((_, response) => response.end("here")).listen(process.env.PORT)`;

test("a program that a service leaves behind on purpose stays, and does not prevent its restart", async () => {
  await using project = await makeProject({
    files: { "backend/run": RUN, "backend/server.cjs": SERVER },
  });
  await project.run("chmod", ["755", "main/backend/run"]);
  const stayed = () =>
    readFileSync(join(project.worktree("main"), "backend/stayed"), "utf8")
      .trim()
      .split("\n");
  const alive = (pid: string) => {
    try {
      return process.kill(Number(pid), 0);
    } catch {
      return false;
    }
  };
  try {
    expect((await project.ikigai("start")).exitCode).toBe(0);
    await project.ikigai("trust", "main", "--yes");
    expect((await project.http("/main/api/")).text).toBe("here");
    expect((await project.ikigai("down", "main/backend")).exitCode).toBe(0);
    expect(alive(stayed()[0] ?? "")).toBe(true);
    await waitFor(async () => (await project.http("/main/api/")).text === "here");
    expect(alive(stayed()[0] ?? "")).toBe(true);
    const log = await project.ikigai("logs", "main/backend");
    expect(log.stdout).toContain("is still running");
  } finally {
    for (const pid of stayed()) if (alive(pid)) process.kill(Number(pid), "SIGKILL");
  }
});
