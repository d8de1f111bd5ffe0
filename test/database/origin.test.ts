import { afterAll, beforeAll, expect, test } from "vitest";
import type { TestProject } from "../support/project.ts";
import { add, psql, startProject, tables } from "./support.ts";

let project: TestProject;

/** Adds two worktrees beside the default one, each with a commit and a table of its own. */
beforeAll(async () => {
  project = await startProject({ worktrees: ["rel-05", "rel-06"] });
  for (const name of ["main", "rel-05", "rel-06"]) {
    await psql(project, name, `CREATE TABLE "of_${name}" (id int)`);
  }
});
afterAll(() => project?.dispose());

test("a branch made from another worktree's branch begins with that worktree's schema", async () => {
  await add(project, "by-name", "-b", "by-name", "../by-name", "rel-05");
  expect(await tables(project, "by-name")).toBe("of_rel-05");
});

test("so does a branch made from the HEAD of the worktree in which git runs", async () => {
  await project.git("rel-06", "worktree", "add", "--quiet", "-b", "by-head", "../by-head");
  await project.ikigai("wt", "wait", "by-head");
  expect(await tables(project, "by-head")).toBe("of_rel-06");
});

test("so does a detached worktree at a commit that only that branch holds", async () => {
  await project.git("rel-05", "commit", "--quiet", "--allow-empty", "--message", "more");
  await add(project, "detached", "--detach", "../detached", "rel-05~1");
  expect(await tables(project, "detached")).toBe("of_rel-05");
});

test("a remote's branch counts as what it points to", async () => {
  const commit = (await project.git("rel-06", "rev-parse", "HEAD")).trim();
  await project.git(".", "update-ref", "refs/remotes/origin/theirs", commit);
  await add(project, "theirs", "-b", "theirs", "../theirs", "origin/theirs");
  expect(await tables(project, "theirs")).toBe("of_rel-06");
});

test("where several branches hold the start point, it is the default worktree's schema", async () => {
  await add(project, "common", "--detach", "../common", "main");
  expect(await tables(project, "common")).toBe("of_main");
});

test("an unrelated history begins with the default worktree's schema", async () => {
  const commit = (await project.git("main", "commit-tree", "-m", "alone", "main^{tree}")).trim();
  await add(project, "alone", "--detach", "../alone", commit);
  expect(await tables(project, "alone")).toBe("of_main");
});

test("ikigai wt add uses the worktree in which it runs, even if another has the same commit", async () => {
  await add(project, "twin", "-b", "twin", "../twin", "main");
  await psql(project, "twin", "CREATE TABLE of_twin (id int)");
  const cli = (await import("node:path")).resolve("dist/cli.cjs");
  await project.run(process.execPath, [cli, "wt", "add", "from-twin"], { cwd: "twin" });
  await project.ikigai("wt", "wait", "from-twin");
  expect(await tables(project, "from-twin")).toBe("of_main of_twin");
});
