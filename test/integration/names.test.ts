import { mkdir } from "node:fs/promises";
import { basename, join } from "node:path";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { converged, startProject, writeNote } from "../lifecycle/support.ts";
import type { TestProject } from "../support/project.ts";
import { must, read } from "../support/running.ts";

let project: TestProject;
/** Branch `feature/search`, git's name and slug `wanted`, in the directory `trees/place`. */
const place = "trees/place";

beforeAll(async () => {
  project = await startProject();
  await project.git(".", "worktree", "add", "-q", "-b", "feature/search", "wanted");
  await mkdir(join(project.root, "trees"));
  await project.git(".", "worktree", "move", "wanted", place);
  await converged(project);
});
afterAll(async () => {
  expect(await project?.dispose()).toEqual([]);
});

/** Every command that takes a worktree: the words before and after its name. */
const COMMANDS: readonly (readonly [string[], string[]])[] = [
  [["wt", "show"], []],
  [["wt", "wait"], []],
  [["up"], []],
  [["restart"], []],
  [["down"], []],
  [["logs"], []],
  [["env"], []],
  [["trust"], []],
  [["lease"], ["--", "true"]],
  [["db", "list"], []],
  [["db", "reset"], []],
  [["db", "diff", "main"], []],
  [["db", "branch", "main", "--into"], []],
  [["wt", "restore", "red", "--into"], []],
  [["wt", "remove"], []],
];

describe("every command", () => {
  it.each(["feature/search", place])("knows a worktree as %s", async (name) => {
    await project.git(".", "worktree", "add", "-q", "-b", `red-${basename(name)}`, "red");
    await writeNote(project, "wt_red", "red");
    await project.git(".", "worktree", "remove", "red");
    await converged(project);
    for (const [before, after] of COMMANDS.filter(([words]) => words[1] !== "remove")) {
      const { exitCode, stderr } = await project.ikigai(...before, name, ...after);
      expect({ before, exitCode, stderr: exitCode === 0 ? "" : stderr }).toEqual({
        before,
        exitCode: 0,
        stderr: "",
      });
    }
    await must(project, "up", `${name}/backend`);
  });

  it("suggests a similar name", async () => {
    await writeNote(project, "wt_main", "main");
    await must(project, "db", "reset", "main");
    for (const [words, after] of COMMANDS) {
      const before = words.map((word) => (word === "red" ? "main" : word));
      const { exitCode, stdout, stderr } = await project.ikigai(...before, "wantd", ...after);
      const said = `ikigai: There is no worktree wantd; did you mean wanted?\n  next: ikigai wt list`;
      expect({ before, exitCode, stdout, stderr }).toEqual({
        before,
        exitCode: 1,
        stdout: "",
        stderr: said,
      });
    }
    expect((await project.ikigai("up", "wanted/bakend")).stderr).toContain("did you mean backend?");
    const list = await project.ikigai("wt", "restore", "--list", "mian");
    expect(list.exitCode).toBe(1);
    expect(list.stderr).toContain("There is no retained data of mian; did you mean main?");
    expect((await project.ikigai("wt", "restore", "mian", "--into", "main")).stderr).toContain(
      "did you mean main?",
    );
  });

  it("accepts a branch in wt remove, and a former path for its data", async () => {
    await must(project, "wt", "remove", "feature/search", "--force");
    const { retired } = await read<{ retired: { name: string; path: string }[] }>(
      project,
      "wt",
      "restore",
      "--list",
    );
    const found = retired.find(({ name }) => name === "wanted");
    expect(found?.path).toBe(join(project.root, place));
    await must(project, "wt", "restore", found?.path ?? "", "--into", "main");
  });
});
