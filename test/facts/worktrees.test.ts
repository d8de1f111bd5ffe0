import { mkdir, mkdtemp, readFile, realpath, rename, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join, relative } from "node:path";
import { execa } from "execa";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { AbsenceGrace } from "../../src/discovery/absence-grace.ts";
import { coreValue, isCoreTrue } from "../../src/discovery/git-config.ts";
import { commonDirOf, rootOf } from "../../src/discovery/project.ts";
import { RepositoryAway, readWorktrees } from "../../src/discovery/worktrees.ts";
import type { Worktree } from "../../src/model/worktree.ts";

let base: string;
let common: string;

const env = {
  PATH: process.env.PATH,
  HOME: tmpdir(),
  GIT_CONFIG_GLOBAL: "/dev/null",
  GIT_CONFIG_NOSYSTEM: "1",
  GIT_AUTHOR_NAME: "T",
  GIT_AUTHOR_EMAIL: "t@example.com",
  GIT_COMMITTER_NAME: "T",
  GIT_COMMITTER_EMAIL: "t@example.com",
};
const git = async (cwd: string, ...args: string[]) =>
  (await execa("git", args, { cwd, env, extendEnv: false })).stdout;
const named = (name: string, list: Worktree[] = readWorktrees(common)) =>
  list.find((w) => w.name === name);
const pathOf = (worktree: Worktree | undefined) => Buffer.from(worktree?.path ?? []).toString();

beforeAll(async () => {
  base = await realpath(await mkdtemp(join(tmpdir(), "iki-facts-")));
  await git(base, "init", "--quiet", "--initial-branch=main", "clone");
  await git(join(base, "clone"), "commit", "--quiet", "--allow-empty", "-m", "First");
  common = join(base, "clone/.git");
  await git(join(base, "clone"), "worktree", "add", "--quiet", "-b", "one", "../one");
});
afterAll(() => rm(base, { recursive: true }));

describe("worktrees read from git's files", () => {
  it("are the clone's own and the linked ones", () => {
    const [main, one] = readWorktrees(common);
    expect(main).toMatchObject({ slug: "main", isMain: true, isDefault: true, branch: "main" });
    expect(one).toMatchObject({ slug: "one", isMain: false, branch: "one", state: "present" });
    expect(pathOf(one)).toBe(join(base, "one"));
  });

  it("a linked one named main is distinguished from the clone's main worktree", async () => {
    await git(join(base, "clone"), "worktree", "add", "--quiet", "-b", "other", "../sub/main");
    const slugs = readWorktrees(common).map((w) => w.slug);
    expect(new Set(slugs).size).toBe(3);
    expect(slugs[0]).toBe("main");
  });

  it("with a relative gitdir, as git 2.48 writes it with extensions.relativeWorktrees", async () => {
    const file = join(common, "worktrees/one/gitdir");
    const before = await readFile(file, "utf8");
    await writeFile(file, `${relative(join(common, "worktrees/one"), join(base, "one/.git"))}\n`);
    await writeFile(join(base, "one/.git"), "gitdir: ../clone/.git/worktrees/one\n");
    expect(named("one")).toMatchObject({ state: "present" });
    expect(pathOf(named("one"))).toBe(join(base, "one"));
    await writeFile(file, before);
  });

  it("a half-done add (no gitdir yet, or an empty one) is unknown, never gone", async () => {
    await mkdir(join(common, "worktrees/half"));
    expect(named("half")?.state).toBe("unknown");
    await writeFile(join(common, "worktrees/half/gitdir"), "");
    expect(named("half")?.state).toBe("unknown");
    await rm(join(common, "worktrees/half"), { recursive: true });
  });

  it("one whose directory is missing is gone, a locked one is not", async () => {
    await rename(join(base, "one"), join(base, "elsewhere"));
    expect(named("one")?.state).toBe("gone");
    await git(join(base, "clone"), "worktree", "lock", "--reason", "disk", "../one");
    expect(named("one")).toMatchObject({ state: "unknown", locked: "disk" });
    await git(join(base, "clone"), "worktree", "unlock", "../one");
    await rename(join(base, "elsewhere"), join(base, "one"));
  });

  it("one whose directory now belongs to another repository is unknown", async () => {
    await rename(join(base, "one"), join(base, "aside"));
    await git(base, "init", "--quiet", "one");
    expect(named("one")?.state).toBe("unknown");
    await rm(join(base, "one"), { recursive: true });
    await git(join(base, "clone"), "worktree", "add", "--quiet", "--detach", "../two");
    await rename(join(base, "two"), join(base, "one"));
    expect(named("one")?.state).toBe("unknown");
    await rm(join(base, "one"), { recursive: true });
    await rename(join(base, "aside"), join(base, "one"));
    expect(named("one")?.state).toBe("present");
  });

  it("a missing repository has no list of worktrees", () => {
    expect(() => readWorktrees(join(base, "nowhere/.git"))).toThrow(RepositoryAway);
  });

  it("an identity is never given twice, though git gives the name again", async () => {
    const seen = new Set<string>();
    for (let i = 0; i < 5; i++) {
      await git(join(base, "clone"), "worktree", "add", "--quiet", "--detach", "../again");
      seen.add(named("again")?.identity ?? "");
      await git(join(base, "clone"), "worktree", "remove", "../again");
    }
    expect(seen.size).toBe(5);
  });
});

describe("a directory that is away", () => {
  it("is gone only after a while, counted from each absence", () => {
    let now = 0;
    const away = new AbsenceGrace(250, () => now);
    expect(away.isGone("a", true)).toBe(false);
    now = 249;
    expect(away.isGone("a", true)).toBe(false);
    expect(away.isGone("a", false)).toBe(false);
    now = 300;
    expect(away.isGone("a", true)).toBe(false);
    now = 550;
    expect(away.isGone("a", true)).toBe(true);
  });
});

describe("a submodule", () => {
  it("is a project of its own, at its own top", async () => {
    const parent = join(base, "parent");
    await git(base, "init", "--quiet", "parent");
    const allow = ["-c", "protocol.file.allow=always"];
    await git(parent, ...allow, "submodule", "add", "--quiet", join(base, "clone"), "lib");
    const found = commonDirOf(join(parent, "lib")) ?? "";
    expect(found).toBe(join(parent, ".git/modules/lib"));
    expect(rootOf(found)).toBe(join(parent, "lib"));
    expect(pathOf(readWorktrees(found)[0])).toBe(join(parent, "lib"));
    await git(join(parent, "lib"), "worktree", "add", "--quiet", "-b", "side", "../../side");
    expect(named("side", readWorktrees(found))).toMatchObject({ state: "present" });
    expect(commonDirOf(join(base, "side"))).toBe(found);
  });
});

describe("git's configuration, for the two keys that matter", () => {
  const written = async (text: string) => {
    await writeFile(join(base, "config"), text);
    return text;
  };
  it.each([
    ["[core]\n\tbare = true\n", true],
    ["[core]\n\tbare\n", true],
    ["[CORE] bare = YES ; really\n", true],
    ['[core]\nbare = "true" # so\n', true],
    ["[core]\n\tbare = false\n", false],
    ['[core "x"]\n\tbare = true\n', false],
    ["[other]\n\tbare = true\n", false],
    ["[core]\nbare = true\n[core]\nbare = off\n", false],
    ["", false],
  ])("%j", async (text, bare) => {
    await written(text);
    expect(isCoreTrue(base, "bare")).toBe(bare);
    const said = await execa("git", ["config", "-f", "config", "--type=bool", "core.bare"], {
      cwd: base,
      env,
      extendEnv: false,
      reject: false,
    });
    expect(said.stdout === "true").toBe(bare);
  });

  it("a path as git writes it", async () => {
    const path = 'a "quoted" \\ path; with # signs\tand ends ';
    await written("");
    await execa("git", ["config", "-f", "config", "core.worktree", path], { cwd: base });
    expect(coreValue(base, "worktree")).toBe(path);
  });
});
