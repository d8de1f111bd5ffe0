import { writeFile } from "node:fs/promises";
import { expect, test } from "vitest";
import { makeProject } from "../support/project.ts";
import { waitFor } from "../support/wait.ts";

test("a changed configuration beside the worktrees is read without a restart", async () => {
  await using project = await makeProject({ app: "tiny", worktrees: ["rel-05"] });
  expect((await project.ikigai("start")).exitCode).toBe(0);
  const startOf = async () => {
    const { stdout } = await project.ikigai("wt", "show", "rel-05", "--json");
    return (JSON.parse(stdout) as { services: { start: string }[] }).services[0]?.start;
  };
  expect(await startOf()).toBe("on-demand");

  const ports = { http: { port: project.httpPort }, postgres: { port: project.postgresPort } };
  const changed = { ...ports, services: { backend: { start: "manual" } } };
  await writeFile(`${project.root}/.ikigairc.json`, JSON.stringify(changed));
  await waitFor(async () => (await startOf()) === "manual");
});
