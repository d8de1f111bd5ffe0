import { cp, readFile, rename, rm, writeFile } from "node:fs/promises";
import { dirname, join } from "node:path";
import { afterEach, describe, expect, it } from "vitest";
import { processesOf } from "../../scripts/processes.js";
import { reservePort } from "../support/ports.ts";
import type { TestProject } from "../support/project.ts";
import { waitFor } from "../support/wait.ts";
import { converged, identityOf, readNote, startProject, writeNote } from "./support.ts";

const cli = new URL("../../dist/cli.cjs", import.meta.url).pathname;
let project: TestProject;

afterEach(async () => {
  await project.dispose();
});

/** Runs the command line in another directory than the project's own. */
const at = (root: string, ...args: string[]) =>
  project.run(process.execPath, [cli, ...args], { cwd: root });

describe("a project that was renamed while everything ran", () => {
  it("is noticed and repaired by the next start, with all its data", async () => {
    project = await startProject({ worktrees: ["rel-05"] });
    await project.git(".", "worktree", "add", "--quiet", "-b", "away", "../away");
    await converged(project);
    await writeNote(project, "wt_rel_05", "kept");
    const identity = await identityOf(project, "wt_rel_05");
    const moved = join(dirname(project.root), "renamed");
    await rename(project.root, moved);
    const { exitCode, stderr } = await at(moved, "start");
    expect({ exitCode, stderr }).toMatchObject({ exitCode: 0 });
    expect(stderr).toContain("was moved here from");
    const there = { ...project, root: moved };
    expect(await readNote(there, "wt_rel_05")).toBe("kept");
    expect(await identityOf(there, "wt_rel_05")).toBe(identity);
    for (const top of ["rel-05", "main", "../away"]) {
      const { exitCode, stdout } = await project.run("git", ["status", "--porcelain"], {
        cwd: join(moved, top),
      });
      expect({ exitCode, stdout }).toEqual({ exitCode: 0, stdout: "" });
    }
    expect((await project.http("/rel-05/api/")).json()).toMatchObject({ worktree: "rel-05" });
    expect((await project.http("/away/frontend/")).status).toBe(200);
    // Nothing runs under the old name.
    expect(await processesOf([`${project.root}/.ikigai`])).toEqual([]);
    const envrc = await readFile(join(moved, "rel-05/.envrc"), "utf8");
    expect(envrc).not.toContain(`${project.root}/`);
    await at(moved, "stop");
    expect(await project.run("find", [project.root], { cwd: moved })).toMatchObject({ stdout: "" });
    await rename(moved, project.root);
  });
});

describe("a copied project", () => {
  it("keeps its data under its own identities, and the original keeps its data", async () => {
    project = await startProject({ worktrees: ["rel-05"] });
    await writeNote(project, "wt_rel_05", "original");
    const identity = await identityOf(project, "wt_rel_05");
    await project.ikigai("stop");
    const copy = join(dirname(project.root), "copy");
    await project.run("cp", ["-a", project.root, copy]);
    const [http, postgres] = [await reservePort(), await reservePort()];
    await writeFile(
      join(copy, ".ikigairc.json"),
      JSON.stringify({ http: { port: http.port }, postgres: { port: postgres.port } }),
    );
    const { exitCode, stderr } = await at(copy, "start");
    expect({ exitCode, stderr }).toMatchObject({ exitCode: 0 });
    expect(stderr).toContain("was copied here from");
    const there = { ...project, root: copy, postgresPort: postgres.port };
    expect(await readNote(there, "wt_rel_05")).toBe("original");
    expect(await identityOf(there, "wt_rel_05")).not.toBe(identity);
    const { stdout } = await project.run("git", [
      "-C",
      join(copy, "rel-05"),
      "rev-parse",
      "--show-toplevel",
    ]);
    expect(stdout).toBe(join(copy, "rel-05"));
    await writeNote(there, "wt_rel_05", "and the copy");
    await project.ikigai("start");
    expect(await readNote(project, "wt_rel_05")).toBe("original");
    expect(await identityOf(project, "wt_rel_05")).toBe(identity);
    expect(await project.git("rel-05", "rev-parse", "--show-toplevel")).toBe(
      join(project.root, "rel-05"),
    );
    await at(copy, "uninstall", "--purge", "--yes");
    await rm(copy, { recursive: true });
    http.release();
    postgres.release();
  });
});

describe("a project that was moved away and has another one in its place", () => {
  it("keeps its own processes and data", async () => {
    project = await startProject({ worktrees: ["rel-05"] });
    await writeNote(project, "wt_rel_05", "kept");
    const identity = await identityOf(project, "wt_rel_05");
    const moved = join(dirname(project.root), "moved");
    await rename(project.root, moved);
    await project.run(
      "git",
      ["clone", "--quiet", "--bare", join(moved, ".git"), `${project.root}/.git`],
      { cwd: moved },
    );
    await project.run("git", ["worktree", "add", "--quiet", "main"]);
    const journal = join(moved, ".ikigai/logs/daemon/current");
    await waitFor(async () =>
      /is no longer at [^;]*;[\s\S]*ready: /.test(await readFile(journal, "utf8")),
    );
    expect(await readNote({ ...project, root: moved }, "wt_rel_05")).toBe("kept");
    await rm(project.root, { recursive: true });
    await rename(moved, project.root);
    expect((await project.ikigai("restart")).exitCode).toBe(0);
    expect(await readNote(project, "wt_rel_05")).toBe("kept");
    expect(await identityOf(project, "wt_rel_05")).toBe(identity);
  });
});

describe("two projects that want the same ports", () => {
  it("do not affect each other, and the second reports which process has them and what to set", async () => {
    project = await startProject({ worktrees: ["rel-05"] });
    await writeNote(project, "wt_rel_05", "first");
    const second = join(dirname(project.root), "second");
    await project.run("git", ["clone", "--quiet", join(project.root, ".git"), second]);
    await cp(join(project.root, ".ikigairc.json"), join(second, ".ikigairc.json"));
    const { exitCode, stderr } = await at(second, "start");
    expect(exitCode).toBe(1);
    expect(stderr).toContain(`is already in use by the project ${project.root}`);
    expect(stderr).toMatch(/set http\.port to a free port in \.ikigairc\.json/);
    const { stdout } = await at(second, "doctor");
    expect(stdout).toContain(`in use by the project ${project.root}`);
    expect(await readNote(project, "wt_rel_05")).toBe("first");
    await converged(project);
    await at(second, "uninstall", "--purge", "--yes");
  });
});
