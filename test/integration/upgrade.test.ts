import { readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { afterAll, beforeAll, expect, test } from "vitest";
import type { TestProject } from "../support/project.ts";
import { must, startProject } from "../support/running.ts";
import { waitFor } from "../support/wait.ts";

let project: TestProject;

beforeAll(async () => {
  project = await startProject();
});
afterAll(() => project?.[Symbol.asyncDispose]());

/** Changes the configuration beside the worktrees. */
function configure(change: (config: Record<string, Record<string, unknown>>) => void): void {
  const file = join(project.root, ".ikigairc.json");
  const config = JSON.parse(readFileSync(file, "utf8"));
  change(config);
  writeFileSync(file, JSON.stringify(config));
}

test("start has a running nginx load a changed configuration", async () => {
  const ask = () => project.http("/main/api/x", { host: "shop.test" });
  expect((await ask()).status).toBe(403);
  configure((config) => Object.assign(config.http ?? {}, { hosts: ["shop.test"] }));
  await must(project, "start");
  await waitFor(async () => (await ask()).status === 200);
});

test("start gives a running database's owner the password that the configuration names", async () => {
  const psql = join(project.root, ".ikigai/bin/psql");
  await project.run(psql, ["-qc", "CREATE TABLE wt_main.kept AS SELECT 1 AS n"]);
  configure((config) => Object.assign(config.postgres ?? {}, { password: "of my own: \\ é" }));
  await must(project, "start");
  const url = (await must(project, "env", "--owner")).trim();
  expect(decodeURIComponent(new URL(url).password)).toBe("of my own: \\ é");
  const client = await project.run("psql", ["-XAtc", "TABLE wt_main.kept", url]);
  expect(client).toEqual({ exitCode: 0, stdout: "1", stderr: "" });
  expect((await project.run(psql, ["-XAtc", "SELECT current_user"])).stdout).toBe("ikigai");
});
