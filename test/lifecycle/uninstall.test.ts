import { existsSync, readdirSync, readFileSync, readlinkSync, statSync } from "node:fs";
import { writeFile } from "node:fs/promises";
import { join } from "node:path";
import { afterEach, describe, expect, it } from "vitest";
import { gitRunsConfigured } from "../hooks/support.ts";
import type { TestProject } from "../support/project.ts";
import { makeProject } from "../support/project.ts";
import type { RepositoryLayout } from "../support/repository.ts";
import { converged, readNote, startProject, writeNote } from "./support.ts";

let project: TestProject;

afterEach(async () => {
  await project.dispose();
});

/** Reads every file with mode and bytes, except for git's objects, index and reflogs. */
function snapshot(root: string): Record<string, string> {
  const found: Record<string, string> = {};
  for (const entry of readdirSync(root, { recursive: true, withFileTypes: true })) {
    const path = join(entry.parentPath, entry.name);
    const name = path.slice(root.length + 1);
    if (/\/(objects|logs)\/|\/index$|ORIG_HEAD$|^(\.ikigai|\.git\/ikigai)(\/|$)/.test(`${name}`))
      continue;
    if (entry.isSymbolicLink()) found[name] = `-> ${readlinkSync(path)}`;
    else if (entry.isDirectory()) found[name] = "directory";
    else
      found[name] = `${(statSync(path).mode & 0o777).toString(8)} ${readFileSync(path, "latin1")}`;
  }
  return found;
}

describe.each<RepositoryLayout>(["dot-bare", "clone"])("in the layout %s", (layout) => {
  it("the repository is restored byte for byte, and the data stays", async () => {
    project = await makeProject({ layout, worktrees: ["rel-05"] });
    await writeFile(join(project.worktree("rel-05"), "untracked"), "mine");
    const before = snapshot(project.root);
    const status = await project.git(project.worktree("main"), "status", "--porcelain");
    expect((await project.ikigai("start")).exitCode).toBe(0);
    await converged(project);
    await writeNote(project, "wt_rel_05", "kept");
    expect(snapshot(project.root)).not.toEqual(before);
    const { exitCode, stderr } = await project.ikigai("uninstall");
    expect(exitCode).toBe(0);
    expect(stderr).toContain("the data is kept in");
    expect(snapshot(project.root)).toEqual(before);
    expect(await project.git(project.worktree("main"), "status", "--porcelain")).toBe(status);
    expect((await project.ikigai("start")).exitCode).toBe(0);
    expect(await readNote(project, "wt_rel_05")).toBe("kept");
    const asked = await project.ikigai("uninstall", "--purge");
    expect(asked).toMatchObject({ exitCode: 1 });
    expect(asked.stderr).toContain("--purge --yes");
    expect((await project.ikigai("uninstall", "--purge", "--yes")).exitCode).toBe(0);
    expect(snapshot(project.root)).toEqual(before);
    expect(readdirSync(project.root)).not.toContain(".ikigai");
    expect(existsSync(join(project.root, ".git/ikigai"))).toBe(false);
  });
});

describe("ikigai doctor", () => {
  it("lists what is well, and each problem with the command that fixes it", async () => {
    project = await startProject();
    const well = await project.ikigai("doctor", "--json");
    expect(well.exitCode).toBe(0);
    expect(JSON.parse(well.stdout).healthy).toBe(true);
    // Hooks in the configuration can be disabled separately.
    const off = gitRunsConfigured
      ? ["hook.ikigai.enabled", "false"]
      : ["core.hooksPath", "/dev/null"];
    await project.git("main", "config", ...off);
    await project.ikigai("stop");
    const ill = await project.ikigai("doctor");
    expect(ill.exitCode).toBe(1);
    expect(ill.stdout).toMatch(new RegExp(`--unset(-all)? ${off[0]}`));
    expect(ill.stdout).toContain(`port ${project.httpPort}: free`);
    expect(ill.stdout).toMatch(/daemon: not running\n\s+next: ikigai start/);
  });

  it("distinguishes a server that was stopped by hand from a free port", async () => {
    project = await startProject();
    await project.run(".ikigai/bin/nginx", ["stop"]);
    const { exitCode, stdout } = await project.ikigai("doctor");
    expect(exitCode).toBe(0);
    expect(stdout).toMatch(
      new RegExp(
        `! port ${project.httpPort}: not listening: nginx was stopped by hand\\n\\s+next: ikigai start`,
      ),
    );
    expect((await project.ikigai("start")).exitCode).toBe(0);
    expect((await project.ikigai("doctor")).stdout).toContain(
      `port ${project.httpPort}: in use by this project's nginx, which answers`,
    );
  });
});
