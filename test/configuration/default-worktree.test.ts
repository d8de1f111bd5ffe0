import { rm, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { afterEach, expect, test } from "vitest";
import { openProject } from "../../src/discovery/open-project.ts";
import { layoutOf } from "../../src/model/layout.ts";
import { makeProject, type TestProject } from "../support/project.ts";
import { must, read } from "../support/running.ts";

let project: TestProject;
afterEach(() => project?.[Symbol.asyncDispose]());

const run = "#!/bin/sh\nexec node main.ts\n";

test("every command respects the configured default worktree", async () => {
  project = await makeProject({
    worktrees: ["develop", "done"],
    config: { worktrees: { default: "develop" } },
  });
  const directory = project.worktree("develop");
  await writeFile(join(directory, "backend/run"), run, { mode: 0o755 });
  await project.git("develop", "add", "-A");
  await project.git("develop", "commit", "-q", "-m", "run");
  await project.git("main", "merge", "-q", "develop");
  await must(project, "init");
  const { waiting } = await read<{ waiting: unknown[] }>(project, "trust", "develop");
  expect(waiting).toEqual([]);
  expect((await project.ikigai("trust", "--yes")).stderr).toContain("in develop");
  const prune = ["wt", "prune", "--merged", "--min-age", "0s"];
  const { worktrees } = await read<{ worktrees: { name: string }[] }>(project, ...prune);
  expect(worktrees.map(({ name }) => name)).not.toContain("develop");
  await must(project, ...prune, "--yes");
  const list = await read<{ worktrees: { slug: string; default: boolean }[] }>(
    project,
    "wt",
    "list",
  );
  const chosen = list.worktrees.filter((w) => w.default);
  expect(chosen.map(({ slug }) => slug)).toEqual(["develop"]);
});

test("a default worktree that another one's file names provides the other settings", async () => {
  project = await makeProject({ worktrees: ["develop"] });
  const { root } = project;
  await rm(join(root, ".ikigairc.json"));
  const put = (name: string, value: unknown) =>
    writeFile(join(project.worktree(name), ".ikigairc.json"), JSON.stringify(value));
  const opened = async () => {
    const { settings, defaultWorktree } = await openProject({
      layout: layoutOf(root),
      commonDir: join(root, ".git"),
    });
    const { worktrees, http } = settings.project;
    return [defaultWorktree?.slug, worktrees.default, http.port];
  };
  await put("main", { worktrees: { default: "develop" }, http: { port: 9_001 } });
  expect(await opened()).toEqual(["develop", "develop", 9_001]);
  await put("develop", { worktrees: { default: "main" }, http: { port: 9_002 } });
  expect(await opened()).toEqual(["develop", "develop", 9_002]);
});
