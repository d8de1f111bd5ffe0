import { readFile, rename } from "node:fs/promises";
import { dirname, join } from "node:path";
import { execaSync } from "execa";
import { afterEach, describe, expect, it } from "vitest";
import type { TestProject } from "../support/project.ts";
import { waitFor } from "../support/wait.ts";
import {
  converged,
  identityOf,
  provisioned,
  readNote,
  startProject,
  writeNote,
} from "./support.ts";

// git has `worktree add --relative-paths` and worktree.useRelativePaths since 2.48.
const version = execaSync("git", ["version"]).stdout;
const [, major = "0", minor = "0"] = /(\d+)\.(\d+)/.exec(version) ?? [];
const tooOld = Number(major) < 3 && Number(minor) < 48;

const cli = new URL("../../dist/cli.cjs", import.meta.url).pathname;
let project: TestProject;

afterEach(async () => {
  await project.dispose();
});

const git = (...args: string[]) => project.git(".", ...args);
const gitdirOf = (name: string) =>
  readFile(join(project.root, ".git/worktrees", name, "gitdir"), "utf8");
const pathOf = async (name: string): Promise<string> =>
  JSON.parse((await project.ikigai("wt", "show", name, "--json")).stdout).path;

/** A worktree inside the project and one outside, both with relative links. */
async function startRelative(): Promise<void> {
  project = await startProject();
  await git("config", "worktree.useRelativePaths", "true");
  await git("worktree", "add", "--quiet", "-b", "near", "near");
  await git("worktree", "add", "--quiet", "--relative-paths", "-b", "far", "../elsewhere/far");
  expect(await gitdirOf("near")).toBe("../../../near/.git\n");
  expect(await gitdirOf("far")).toBe("../../../../elsewhere/far/.git\n");
  await converged(project);
  for (const name of ["near", "far"]) await writeNote(project, `wt_${name}`, `of ${name}`);
}

describe.skipIf(tooOld)("worktrees with relative links (git 2.48 or newer)", () => {
  it("are followed when they are moved, repaired, made absolute and removed", async () => {
    await startRelative();
    const identity = await identityOf(project, "wt_near");
    await git("worktree", "move", "near", "moved");
    await waitFor(async () => (await pathOf("near")) === join(project.root, "moved"));
    await converged(project);
    await rename(join(project.root, "moved"), join(project.root, "by-hand"));
    await waitFor(async () => !(await provisioned(project)).schemas.includes("near"));
    await git("worktree", "repair", "by-hand");
    await converged(project);
    expect(await gitdirOf("near")).toBe("../../../by-hand/.git\n");
    await git("worktree", "repair", "--no-relative-paths", "by-hand");
    expect(await gitdirOf("near")).toBe(`${project.root}/by-hand/.git\n`);
    await converged(project);
    expect(await readNote(project, "wt_near")).toBe("of near");
    expect(await identityOf(project, "wt_near")).toBe(identity);
    expect((await project.http("/near/frontend/")).status).toBe(200);
    await git("worktree", "remove", "by-hand");
    expect((await converged(project)).schemas).not.toContain("near");
  });

  it.each(["renamed", "deeper/renamed"])("follow their project to %s", async (place) => {
    await startRelative();
    const moved = join(dirname(project.root), place);
    await project.run("mkdir", ["-p", dirname(moved)]);
    await rename(project.root, moved);
    const ikigai = (...args: string[]) =>
      project.run(process.execPath, [cli, ...args], { cwd: moved });
    expect(await ikigai("start")).toMatchObject({ exitCode: 0 });
    for (const [name, top] of [
      ["near", join(moved, "near")],
      ["far", join(dirname(project.root), "elsewhere/far")],
    ] as const) {
      const at = await project.run("git", ["rev-parse", "--git-dir"], { cwd: top });
      expect(at).toMatchObject({ exitCode: 0, stdout: join(moved, ".git/worktrees", name) });
      expect(await readNote(project, `wt_${name}`)).toBe(`of ${name}`);
      expect((await project.http(`/${name}/frontend/`)).status).toBe(200);
    }
    const list = await project.run("git", ["worktree", "list", "--porcelain"], { cwd: moved });
    expect(list.stdout).not.toContain("prunable");
    await ikigai("stop");
    await rename(moved, project.root);
  });
});
