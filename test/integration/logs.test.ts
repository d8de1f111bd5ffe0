import { appendFileSync, lstatSync, readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { expect, test } from "vitest";
import { startProject } from "../support/running.ts";
import { waitFor } from "../support/wait.ts";

test("a server's log that grew too large is cut while the server runs and writes on", async () => {
  await using project = await startProject({ worktrees: ["rel-05"] });
  const path = (name: string) => join(project.root, ".ikigai", name);
  const log = path("logs/nginx.log");
  writeFileSync(`${log}.1`, "older\n");
  const { ino } = lstatSync(log);
  appendFileSync(log, "x".repeat(10_485_761));
  const restarted = await project.run(path("bin/sv"), ["-w", "10", "restart", path("sv/daemon")]);
  expect(restarted.exitCode, restarted.stdout).toBe(0);
  await waitFor(() => lstatSync(`${log}.1`).size > 10_485_760 && lstatSync(log).size < 10_485_760);
  expect(readFileSync(`${log}.2`, "utf8")).toBe("older\n");
  expect(lstatSync(log).ino).toBe(ino);
  // No process listens there, which nginx logs.
  writeFileSync(path("run/sockets/rel-05/backend.sock"), "", { mode: 0o700 });
  expect((await project.http("/rel-05/api/")).status).toBe(200);
  expect(readFileSync(log, "utf8")).toMatch(/^\d{4}\/.*rel-05\/backend\.sock/);
});
