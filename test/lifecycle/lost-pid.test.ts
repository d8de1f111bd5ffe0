import { readFileSync, rmSync } from "node:fs";
import { expect, test } from "vitest";
import { makeProject } from "../support/project.ts";
import { waitFor } from "../support/wait.ts";

test("the daemon rewrites runsvdir's lost pid file, and restarts nothing", async () => {
  await using project = await makeProject();
  expect(await project.ikigai("start")).toMatchObject({ exitCode: 0 });
  const run = `${project.root}/.ikigai/run`;
  const pids = () =>
    ["runsvdir.pid", "daemon.pid"].map((name) => readFileSync(`${run}/${name}`, "utf8"));
  const before = pids();
  rmSync(`${run}/runsvdir.pid`);
  await waitFor(() => pids()[0] !== "");
  expect(pids()).toEqual(before);
});
