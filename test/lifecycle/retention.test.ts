import { appendFile, rename, rm, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import type { RetiredReport } from "../../src/model/reports.ts";
import type { TestProject } from "../support/project.ts";
import { makeProject } from "../support/project.ts";
import { must, read } from "../support/running.ts";
import { waitFor } from "../support/wait.ts";
import { advanceRetentionClock, converged, daemonLog, writeNote } from "./support.ts";

const DAY = 86_400_000;
let project: TestProject;
let main: string;

/** Commits a settings file of the default worktree; undefined takes it away. */
async function commit(settings: object | undefined): Promise<void> {
  const { httpPort, postgresPort } = project;
  const ports = { http: { port: httpPort }, postgres: { port: postgresPort } };
  const file = join(main, ".ikigairc.json");
  if (settings) await writeFile(file, JSON.stringify({ ...ports, ...settings }));
  else await rm(file);
  await project.git(main, "add", "-A");
  await project.git(main, "commit", "-q", "-m", "settings");
}

const keeps = (age: string) => ({
  database: { branch: "empty" },
  worktrees: { retention: { age } },
});

async function retired(): Promise<readonly RetiredReport[]> {
  const answer = await read<{ retired: RetiredReport[] }>(project, "wt", "restore", "--list");
  return answer.retired;
}

/** In how many days the data goes that was put aside. */
async function days(): Promise<number> {
  const [one] = await retired();
  if (!one) throw new Error("nothing is put aside");
  return Math.round((Date.parse(one.goes) - Date.now()) / DAY);
}

beforeAll(async () => {
  project = await makeProject({ worktrees: ["red"] });
  main = project.worktree("main");
  await rm(join(project.root, ".ikigairc.json"));
  await commit(keeps("5d"));
  await project.git(main, "tag", "short");
  await commit(keeps("90d"));
  await project.git(main, "tag", "long");
  await commit(undefined);
  await project.git(main, "tag", "bare");
  await project.git(main, "switch", "-q", "--detach", "long");
  await must(project, "start");
  await writeNote(project, "wt_red", "red");
  await project.git(".", "worktree", "remove", "red");
  await converged(project);
});
afterAll(async () => {
  expect(await project?.dispose()).toEqual([]);
});

describe("retention", () => {
  it("follows the default worktree to where it is moved", async () => {
    expect(await days()).toBe(90);
    const elsewhere = join(project.root, "elsewhere");
    await project.git(".", "worktree", "move", main, elsewhere);
    main = elsewhere;
    await waitFor(
      async () => (await read<{ path: string }>(project, "wt", "show", "main")).path === main,
    );
    expect(await days()).toBe(90);
    await writeFile(
      join(main, ".ikigairc.json.new"),
      JSON.stringify({
        ...keeps("120d"),
        http: { port: project.httpPort },
        postgres: { port: project.postgresPort },
      }),
    );
    await rename(join(main, ".ikigairc.json.new"), join(main, ".ikigairc.json"));
    await waitFor(async () => (await days()) === 120);
    await project.git(main, "checkout", "-q", "--", ".");
    await waitFor(async () => (await days()) === 90);
  });

  it("is no shorter by a checkout that has no settings, also after a restart", async () => {
    await project.git(main, "switch", "-q", "--detach", "bare");
    await waitFor(() => daemonLog(project).includes(".ikigairc.json is missing"));
    expect(await days()).toBe(90);
    await must(project, "restart");
    expect(await days()).toBe(90);
    await project.git(main, "switch", "-q", "--detach", "long");
  });

  it("is no shorter in the middle of a bisect, whatever is read meanwhile", async () => {
    await project.git(main, "bisect", "start", "long", "short~1");
    expect(await project.git(main, "describe", "--tags")).toBe("short");
    await must(project, "restart");
    expect(await days()).toBe(90);
    await project.git(main, "bisect", "reset", "long");
    expect(await days()).toBe(90);
  });

  it("becomes shorter a day after that was told", async () => {
    await advanceRetentionClock(project, 30 * DAY);
    await waitFor(async () => (await days()) === 60);
    await project.git(main, "switch", "-q", "--detach", "short");
    const told = "retention becomes shorter in 24 hours: 5d (50 at most) instead of 90d";
    await waitFor(() => daemonLog(project).includes(told));
    expect(await days()).toBe(1);
    expect((await project.ikigai("wt", "list")).stderr).toContain("data of red expires on");
    expect((await project.ikigai("wt", "restore", "--list")).stdout).toContain("(soon)");
    await advanceRetentionClock(project, 1.01 * DAY);
    await appendFile(join(main, ".ikigairc.json"), "\n");
    await waitFor(async () => (await retired()).length === 0);
  });
});
