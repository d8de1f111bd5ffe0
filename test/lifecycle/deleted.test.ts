import { existsSync } from "node:fs";
import { rm, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { afterEach, beforeEach, describe, expect, it } from "vitest";
import { processesOf } from "../../scripts/processes.js";
import type { TestProject } from "../support/project.ts";
import { must } from "../support/running.ts";
import { waitFor } from "../support/wait.ts";
import { converged, identityOf, readNote, startProject, writeNote } from "./support.ts";

let project: TestProject;
beforeEach(async () => {
  project = await startProject({ layout: "clone", worktrees: ["rel-05"] });
  expect((await project.http("/rel-05/api/")).status).toBe(200);
  await writeNote(project, "wt_rel_05", "kept");
});
afterEach(() => project.dispose());

const titles = (found: readonly { title: string }[]) => found.map(({ title }) => title).join("\n");
const nothingRuns = () =>
  waitFor(
    async () => {
      const left = await processesOf([project.root]);
      if (left.length > 0) throw new Error(titles(left));
      return true;
    },
    { what: "everything to end" },
  );

const everythingIsBack = async (identity: string) => {
  await must(project, "start");
  await converged(project);
  expect(await readNote(project, "wt_rel_05")).toBe("kept");
  expect(await identityOf(project, "wt_rel_05")).toBe(identity);
  expect((await project.http("/rel-05/api/")).json()).toMatchObject({ worktree: "rel-05" });
  expect(await project.git(".", "status", "--porcelain")).toBe("");
};

/** With git's plumbing, so that nothing in the worktree changes. */
async function holdFileOnBranch(branch: string, name: string): Promise<void> {
  const env = { GIT_INDEX_FILE: join(project.home, "index") };
  const git = async (...args: string[]) => {
    const { exitCode, stdout, stderr } = await project.run("git", args, { env });
    if (exitCode !== 0) throw new Error(stderr);
    return stdout.trim();
  };
  await git("read-tree", "main");
  const blob = await git("hash-object", "-w", ".ikigairc.json");
  await git("update-index", "--add", "--cacheinfo", `100644,${blob},${name}`);
  const commit = await git("commit-tree", "-p", "main", "-m", branch, await git("write-tree"));
  await git("branch", branch, commit);
}

describe("an .ikigai that git deleted", () => {
  it("by git clean leaves nothing running and loses no data", async () => {
    const identity = await identityOf(project, "wt_rel_05");
    // Files that change meanwhile make git warn and fail, although all is done.
    await waitFor(() => project.git(".", "clean", "-fdxq").then(() => true));
    expect(existsSync(join(project.root, ".ikigai"))).toBe(false);
    await nothingRuns();
    await everythingIsBack(identity);
  });

  it("for a branch that has a file of that name loses no data", async () => {
    const identity = await identityOf(project, "wt_rel_05");
    await holdFileOnBranch("evil", ".ikigai");
    // As with git clean: it may meet changing files, and is repeated.
    await waitFor(() => project.git(".", "switch", "--quiet", "evil").then(() => true));
    await nothingRuns();
    const refused = await project.ikigai("start");
    expect(refused.exitCode).toBe(1);
    expect(refused.stderr).toContain(".ikigai is not a directory");
    await project.git(".", "switch", "--quiet", "main");
    await everythingIsBack(identity);
  });

  it("under a daemon that was killed is replaced by the next start", async () => {
    const identity = await identityOf(project, "wt_rel_05");
    await writeFile(join(project.root, ".ikigai/sv/daemon/down"), "");
    await must(project, "wt", "list");
    await project.run(".ikigai/bin/sv", ["-w", "10", "down", ".ikigai/sv/daemon"]);
    await rm(join(project.root, ".ikigai"), { recursive: true });
    expect(titles(await processesOf([project.root]))).toContain("nginx");
    await everythingIsBack(identity);
  });
});

describe("a project that was deleted entirely", () => {
  it("leaves nothing running", async () => {
    await rm(project.root, { recursive: true, force: true, maxRetries: 5 });
    await nothingRuns();
  });
});
