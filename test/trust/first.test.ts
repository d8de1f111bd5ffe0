import { existsSync } from "node:fs";
import { appendFile, rm } from "node:fs/promises";
import { join } from "node:path";
import { afterEach, expect, test } from "vitest";
import { makeProject, type TestProject } from "../support/project.ts";
import { must } from "../support/running.ts";

let project: TestProject | undefined;
afterEach(async () => {
  await project?.dispose();
  project = undefined;
});

const run = `#!/bin/sh\nexec node main.ts\n`;

async function makeRunner(layout: "bare" | "clone"): Promise<TestProject> {
  project = await makeProject({ layout, files: { "backend/run": run } });
  await project.run("chmod", ["755", join(project.worktree("main"), "backend/run")]);
  return project;
}

/** Lists what needs approval in the default worktree. */
async function waiting({ ikigai }: TestProject): Promise<unknown> {
  const { stdout } = await ikigai("trust", "main", "--json");
  return (JSON.parse(stdout) as { waiting: { what: string }[] }).waiting.map(({ what }) => what);
}

test.each([
  ["bare", ".ikigai/scripts/approved"],
  ["bare", ".ikigai"],
  ["clone", ".ikigai"],
] as const)("in a %s repository the loss of %s approves nothing", async (layout, lost) => {
  const runner = await makeRunner(layout);
  await must(runner, "init");
  expect(await waiting(runner)).toEqual([]);
  await appendFile(join(runner.worktree("main"), "backend/run"), "# changed\n");
  expect(await waiting(runner)).toEqual(["backend/run"]);
  await rm(join(runner.root, lost), { recursive: true });
  await must(runner, "init");
  expect(existsSync(join(runner.root, ".ikigai/scripts/approved"))).toBe(true);
  expect(await waiting(runner)).toEqual(["backend/run"]);
});

test("a project of which only the approvals are left approves nothing by itself", async () => {
  const runner = await makeRunner("clone");
  await must(runner, "init");
  await appendFile(join(runner.root, "backend/run"), "# changed\n");
  for (const lost of [join(runner.home, ".local/state/ikigai/seals"), join(runner.root, ".ikigai")])
    await rm(lost, { recursive: true });
  await must(runner, "init");
  expect(await waiting(runner)).toEqual(["backend/run"]);
});

test("a first init that failed is still the first when it is repeated", async () => {
  const runner = await makeRunner("clone");
  const rc = join(runner.root, ".ikigairc.json");
  await appendFile(rc, "no JSON");
  expect((await runner.ikigai("init")).exitCode).toBe(1);
  await appendFile(join(runner.root, "backend/run"), "# changed\n");
  await runner.git(".", "checkout", "-q", ".ikigairc.json");
  await must(runner, "init");
  expect(await waiting(runner)).toEqual([]);
});

test("a project without a worktree at its first init approves the default one's content later", async () => {
  const runner = await makeRunner("bare");
  await runner.git(".", "worktree", "remove", "--force", "main");
  await must(runner, "init");
  await runner.git(".", "worktree", "add", "-q", "main", "main");
  await runner.run("chmod", ["755", "main/backend/run"]);
  await must(runner, "init");
  expect(await waiting(runner)).toEqual([]);
});
