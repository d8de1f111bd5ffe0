import { readlinkSync } from "node:fs";
import { rename } from "node:fs/promises";
import { join } from "node:path";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { COMMANDS } from "../../src/cli/registry.ts";
import type { TestProject } from "../support/project.ts";
import { must, read, reportOf } from "../support/running.ts";
import { waitFor } from "../support/wait.ts";
import { converged, startProject, writeNote } from "./support.ts";

const cli = new URL("../../dist/cli.cjs", import.meta.url).pathname;
let project: TestProject;

beforeAll(async () => {
  project = await startProject({ worktrees: ["red", "empty", "aside"] });
  await writeNote(project, "wt_red", "red");
  await writeNote(project, "wt_aside", "aside");
  await project.git(".", "worktree", "remove", "aside");
});
afterAll(async () => {
  expect(await project?.dispose()).toEqual([]);
});

describe("the default worktree, while its disk is missing,", () => {
  const links = () =>
    ["httpd/root/.default", "run/sockets/.default", "sv/backend", "logs/backend"].map((name) =>
      readlinkSync(join(project.root, ".ikigai", name)),
    );

  beforeAll(async () => {
    await project.git(".", "worktree", "lock", "main");
    await rename(project.worktree("main"), join(project.root, ".away"));
    await waitFor(async () => (await reportOf(project, "main"))?.state === "unknown");
  });
  afterAll(async () => {
    await rename(join(project.root, ".away"), project.worktree("main"));
    await project.git(".", "worktree", "unlock", "main");
    await converged(project);
  });

  it("keeps its bare address and the bare names of its services", async () => {
    expect(await read(project, "plan")).toEqual({ steps: [], problems: [] });
    await project.ikigai("start");
    expect(links()).toEqual(["main", "main", "main.backend", "main.backend"]);
  });

  it.each([
    ["db", "reset", "main"],
    ["wt", "wait", "main"],
    ["wt", "restore", "aside", "--into", "main"],
  ])("lets %s %s say that nothing was done", async (...command) => {
    const { exitCode, stderr, stdout } = await project.ikigai(...command);
    expect({ exitCode, stdout }).toEqual({ exitCode: 1, stdout: "" });
    expect(stderr).toMatch(/^ikigai: Nothing was done: the directory of main cannot be read/m);
    expect(stderr).not.toContain("✔");
  });
});

describe("in a directory that was deleted", () => {
  const type = (...args: string[]) => {
    const words = [process.execPath, cli, ...args].map((word) => `'${word}'`).join(" ");
    return project.run("sh", ["-c", `mkdir -p gone && cd gone && rmdir ../gone && exec ${words}`]);
  };
  const commands = COMMANDS.map(({ usage }) =>
    usage.split(" ").filter((word) => /^[a-z]/.test(word)),
  );

  it("every command reports that, and where to go", async () => {
    for (const command of [["wt", "list", "--json"], ...commands]) {
      const words = command.join(" ");
      const usage = COMMANDS.find((one) => one.usage.startsWith(words))?.usage ?? "";
      const given = (usage.match(/<\w+/g) ?? []).map(() => "x");
      const { exitCode, stdout, stderr } = await type(...command, ...given);
      const said = `ikigai: This directory no longer exists.\n  next: cd ${project.worktree("main")}`;
      expect({ words, exitCode, stdout, stderr }).toEqual({
        words,
        exitCode: 1,
        stdout: "",
        stderr: said,
      });
    }
  });

  it("wt remove says that the current directory was removed", async () => {
    const { stderr, exitCode } = await project.run(process.execPath, [cli, "wt", "remove", "."], {
      cwd: "red",
    });
    expect(exitCode, stderr).toBe(0);
    expect(stderr).toContain(`current directory was removed; next: cd ${project.worktree("main")}`);
    expect(stderr).toMatch(/removed red; its data is kept until .*wt restore retired_red_/);
  });
});

it("wt remove reports that a worktree has no data to keep", async () => {
  const { stderr } = await project.ikigai("wt", "remove", "empty");
  expect(stderr).toContain("removed empty; its schema was empty");
  const { retired } = await read<{ retired: { name: string }[] }>(
    project,
    "wt",
    "restore",
    "--list",
  );
  expect(retired.map(({ name }) => name).sort()).toEqual(["aside", "red"]);
  await must(project, "stop");
  await project.git(".", "worktree", "add", "-q", "-b", "later", "later");
  const stopped = await project.ikigai("wt", "remove", "later");
  expect(stopped.stderr).toContain("removed later; ikigai is not running");
});
