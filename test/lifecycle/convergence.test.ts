import { renameSync, writeFileSync } from "node:fs";
import { readFile, readlink, rename, rm } from "node:fs/promises";
import { join } from "node:path";
import { execaSync } from "execa";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
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

let project: TestProject;

beforeAll(async () => {
  project = await startProject({ branches: ["one", "two"] });
});
afterAll(async () => {
  expect(await project.dispose()).toEqual([]);
});

const cli = new URL("../../dist/cli.cjs", import.meta.url).pathname;
const journal = () => readFile(join(project.root, ".ikigai/logs/daemon/current"), "utf8");
const git = (...args: string[]) => project.git(".", ...args);

/** Less than the daemon waits for a missing directory. */
const SHORT_MOVE_MS = 200;

// git has "git worktree add --orphan" since 2.42.
const [major = 0, minor = 0] = execaSync("git", ["--version"])
  .stdout.split(/[ .]/)
  .slice(2)
  .map(Number);
const orphan: [string, string[]][] =
  major > 2 || minor >= 42 ? [["--orphan", ["--orphan", "-b", "fresh", "fresh"]]] : [];

describe("a worktree is provisioned however it was added", () => {
  const forms: [string, string[]][] = [
    ["a branch", ["one"]],
    ["-b", ["-b", "made", "made"]],
    ["--detach", ["--detach", "detached"]],
    ["--lock", ["--lock", "--reason", "a disk", "-b", "kept", "kept"]],
    ["--no-checkout", ["--no-checkout", "-b", "bare-one", "bare-one"]],
    ["a path elsewhere", ["-b", "away", "../elsewhere/away"]],
    ...orphan,
    ["--no-checkout and no hook", ["--no-checkout", "-b", "silent", "silent"]],
  ];
  it.each(forms)("%s", async (_, args) => {
    const silent = args.includes("silent") ? ["-c", "core.hooksPath=/dev/null"] : [];
    await git(...silent, "worktree", "add", "--quiet", ...args);
    await converged(project);
  });

  it("before the command returns, where the hook runs", async () => {
    await git("worktree", "add", "--quiet", "-b", "prompt", "prompt");
    expect((await provisioned(project)).schemas).toContain("prompt");
  });

  it("where the hook was lost", async () => {
    await rm(join(project.root, ".git/hooks/post-checkout"), { force: true });
    await git("worktree", "add", "--quiet", "-b", "hookless", "hookless");
    await converged(project);
  });
});

describe("a worktree outside the project", () => {
  it("finds its project, and git status shows nothing of that", async () => {
    const away = join(project.root, "../elsewhere/away");
    const { stdout } = await project.run(process.execPath, [cli, "wt", "show", "--json"], {
      cwd: away,
    });
    expect(JSON.parse(stdout)).toMatchObject({ slug: "away", state: "ready" });
    expect(await readlink(join(away, ".ikigai"))).toBe(join(project.root, ".ikigai"));
    expect(await project.git(away, "status", "--porcelain")).toBe("");
  });
});

describe("later changes of a worktree are followed", () => {
  it("a move keeps schema, data and slug, and the address follows", async () => {
    await writeNote(project, "wt_one", "of one");
    const identity = await identityOf(project, "wt_one");
    await git("worktree", "move", "one", "moved-one");
    await waitFor(async () => {
      const { stdout } = await project.ikigai("wt", "show", "one", "--json");
      return JSON.parse(stdout).path === join(project.root, "moved-one");
    });
    await converged(project);
    expect(await readNote(project, "wt_one")).toBe("of one");
    expect(await identityOf(project, "wt_one")).toBe(identity);
    const answer = await project.http("/one/frontend/");
    expect(answer.text).toContain("Hello from one");
  });

  it("many moves never remove anything in between", async () => {
    for (let i = 0; i < 10; i++) {
      await git("worktree", "move", "moved-one", "moving");
      await git("worktree", "move", "moving", "moved-one");
    }
    await converged(project);
    expect(await journal()).not.toMatch(/(retire|remove) \w+ one\b/);
  });

  it("a reconcile in the middle of a move removes nothing", async () => {
    const hook = new URL("../../hooks/post-checkout", import.meta.url).pathname;
    const gitdir = join(project.root, ".git/worktrees/one/gitdir");
    const told = async () => (await journal()).match(/(retire|remove) \w+ one\b/g) ?? [];
    let [from, to] = ["moved-one", "half-way"].map((name) => join(project.root, name));
    for (let judged = false; !judged; [from, to] = [to, from]) {
      const before = await told();
      const began = performance.now();
      // git's two steps, with a reconcile in between.
      renameSync(from ?? "", to ?? "");
      await project.run(hook, ["0", "0", "1"], { cwd: to ?? "" });
      writeFileSync(gitdir, `${to}/.git\n`);
      // Only a gap as short as git's counts: otherwise the directory was missing.
      judged = performance.now() - began < SHORT_MOVE_MS;
      await converged(project);
      if (judged) expect(await told()).toEqual(before);
    }
    if (from?.endsWith("half-way")) await git("worktree", "move", from, "moved-one");
  });

  it("a move with mv and repair restores the data by identity", async () => {
    await rename(join(project.root, "moved-one"), join(project.root, "by-hand"));
    await waitFor(async () => !(await provisioned(project)).schemas.includes("one"));
    await git("worktree", "repair", "by-hand");
    await converged(project);
    expect(await readNote(project, "wt_one")).toBe("of one");
  });

  it("a locked one is held while its directory is missing", async () => {
    await git("worktree", "lock", "by-hand");
    await rename(join(project.root, "by-hand"), join(project.root, "on-a-disk"));
    await waitFor(async () => {
      const { stdout } = await project.ikigai("wt", "show", "one", "--json");
      return JSON.parse(stdout).state === "unknown";
    });
    await project.ikigai("start");
    expect((await provisioned(project)).schemas).toContain("one");
    await rename(join(project.root, "on-a-disk"), join(project.root, "by-hand"));
    await git("worktree", "unlock", "by-hand");
    await converged(project);
    expect(await readNote(project, "wt_one")).toBe("of one");
  });

  it("a branch that is renamed keeps everything and shows its new name", async () => {
    const identity = await identityOf(project, "wt_made");
    await git("branch", "-m", "made", "renamed");
    await waitFor(async () => {
      const { stdout } = await project.ikigai("wt", "show", "made", "--json");
      return JSON.parse(stdout).branch === "renamed";
    });
    expect(await identityOf(project, "wt_made")).toBe(identity);
  });

  it.each([
    ["remove", "detached", ["worktree", "remove", "detached"]],
    ["remove --force twice for a locked one", "kept", ["worktree", "remove", "-f", "-f", "kept"]],
  ])("%s", async (_, name, args) => {
    await git(...args);
    const { schemas } = await converged(project);
    expect(schemas).not.toContain(name);
  });

  it("rm -rf of the directory, then prune and gc", async () => {
    await rm(join(project.root, "prompt"), { recursive: true });
    await converged(project);
    await git("worktree", "prune");
    await git("gc", "--quiet", "--prune=now");
    const { schemas } = await converged(project);
    expect(schemas).not.toContain("prompt");
  });

  it("while Postgres is down, once it is up again", async () => {
    await project.run(".ikigai/bin/pg_ctl", ["stop"]);
    await git("worktree", "remove", "bare-one", "--force");
    await git("worktree", "add", "--quiet", "-b", "meanwhile", "meanwhile");
    await project.run(".ikigai/bin/pg_ctl", ["start"]);
    await converged(project);
  });

  it("while ikigai is stopped, once it is started", async () => {
    await project.ikigai("stop");
    await git("worktree", "remove", "meanwhile");
    await rm(join(project.root, "hookless"), { recursive: true });
    await git("worktree", "add", "--quiet", "-b", "later", "later");
    expect((await project.ikigai("start")).exitCode).toBe(0);
    const { schemas } = await converged(project);
    expect(schemas).toContain("later");
  });

  it("a worktree removed and added again at once under its name starts from scratch", async () => {
    const identity = await identityOf(project, "wt_one");
    await git("worktree", "remove", "--force", "by-hand");
    await git("worktree", "add", "--quiet", "one", "one");
    await converged(project);
    await waitFor(async () => (await identityOf(project, "wt_one")) !== identity);
    expect(await readNote(project, "wt_one")).toBeUndefined();
    const { stdout } = await project.ikigai("wt", "restore", "--list", "--json");
    expect(JSON.parse(stdout).retired.map(({ name }: { name: string }) => name)).toEqual(["one"]);
  });
});
