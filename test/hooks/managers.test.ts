import { existsSync, readFileSync } from "node:fs";
import { mkdir, rm, symlink } from "node:fs/promises";
import { join } from "node:path";
import { describe, expect, test } from "vitest";
import { installLikePreCommit, managerPrograms, uninstallLikePreCommit } from "./managers.ts";
import { snapshot } from "./snapshot.ts";
import {
  type Ended,
  listen,
  makeFileSandbox,
  makeSandbox,
  mechanisms,
  type Sandbox,
  write,
} from "./support.ts";

const programs = await managerPrograms();
const bin = "bin" in programs ? programs.bin : "";
const preCommit = (process.env.PATH ?? "")
  .split(":")
  .map((directory) => join(directory, "pre-commit"))
  .find(existsSync);

/** Checks out in a worktree, and expects the manager's job and ours to run once each. */
async function expectBoth(box: Sandbox, top: string, job: string): Promise<void> {
  const out = join(box.base, "out");
  await rm(out, { force: true });
  await using heard = await listen(box.root);
  const env = { OUT: out, PATH: `${bin}:${process.env.PATH}` };
  const args = ["switch", "--quiet", "--create", `b${Math.random()}`];
  const ended = await box.run("git", args, { cwd: top, env });
  expect(ended.exitCode, ended.stderr).toBe(0);
  expect(existsSync(out) ? readFileSync(out, "utf8") : "").toBe(`${job}\n`);
  expect(heard.told).toHaveLength(1);
}

async function commitFiles(box: Sandbox, files: Readonly<Record<string, string>>): Promise<void> {
  for (const [name, text] of Object.entries(files)) await write(join(box.main, name), text);
  await box.git(box.main, "add", "--all");
  await box.git(box.main, "commit", "--quiet", "--message=Hooks");
}

const linked = (box: Sandbox) => join(box.base, "linked");
const addLinked = (box: Sandbox) => box.git(box.main, "worktree", "add", "--quiet", linked(box));
const status = (box: Sandbox, top: string) =>
  box.git(top, "status", "--porcelain", "--untracked-files=all");
const repositoryState = (box: Sandbox) =>
  snapshot(...["hooks", "config", "info"].map((name) => join(box.commonDir, name)));

describe.skipIf("missing" in programs).each(mechanisms)(
  `husky beside ours by %s ${"missing" in programs ? programs.missing : ""}`,
  (mechanism) => {
    const husky = async (box: Sandbox, top: string): Promise<Ended> => {
      const ended = await box.run(join(bin, "husky"), [], { cwd: top });
      expect(ended).toMatchObject({ exitCode: 0, stdout: "" });
      return ended;
    };
    const job = { ".husky/post-checkout": '[ -z "$OUT" ] || echo husky >>"$OUT"\n' };

    test("installed before and after, in both worktrees, again and again", async () => {
      await using box = await makeSandbox("clone", "project", mechanism);
      await commitFiles(box, job);
      await addLinked(box);
      await box.install();
      await husky(box, box.main);
      await box.install();
      await expectBoth(box, box.main, "husky");
      await husky(box, linked(box));
      await box.install();
      await expectBoth(box, linked(box), "husky");
      await husky(box, box.main);
      await box.install();
      await expectBoth(box, box.main, "husky");
      expect(await status(box, box.main)).toBe("");
      expect(await status(box, linked(box))).toBe("");
    });

    test("a worktree without husky's directory gets one that husky then fills", async () => {
      await using box = await makeSandbox("clone", "project", mechanism);
      await commitFiles(box, job);
      await husky(box, box.main);
      await addLinked(box);
      const before = snapshot(join(linked(box), ".husky"));
      const report = await box.install();
      expect(report.worktrees.map(({ runs, beside }) => [runs, beside])).toEqual([
        [true, "husky"],
        [true, undefined],
      ]);
      await using heard = await listen(box.root);
      await box.git(linked(box), "switch", "--quiet", "--create", "other");
      expect(heard.told).toHaveLength(1);
      expect(await status(box, linked(box))).toBe("");
      await heard[Symbol.asyncDispose]();
      await box.remove();
      expect(snapshot(join(linked(box), ".husky"))).toEqual(before);
      await box.install();
      await husky(box, linked(box));
      await box.install();
      await expectBoth(box, linked(box), "husky");
    });

    test("is unchanged after our removal, also when it is no longer in use", async () => {
      await using box = await makeSandbox("clone", "project", mechanism);
      await commitFiles(box, job);
      const plain = repositoryState(box);
      await husky(box, box.main);
      const before = { ...repositoryState(box), ...snapshot(join(box.main, ".husky")) };
      await box.install();
      await box.remove();
      expect({ ...repositoryState(box), ...snapshot(join(box.main, ".husky")) }).toEqual(before);
      await box.install();
      await box.git(box.main, "config", "--unset", "core.hooksPath");
      await box.install();
      await box.remove();
      expect(repositoryState(box)).toEqual(plain);
      expect({ ...before, ...snapshot(join(box.main, ".husky")) }).toEqual(before);
    });
  },
);

describe.skipIf("missing" in programs).each(mechanisms)(
  `lefthook beside ours by %s ${"missing" in programs ? programs.missing : ""}`,
  (mechanism) => {
    const lefthook = async (box: Sandbox, top: string, ...args: string[]): Promise<void> => {
      const ended = await box.run(join(bin, "lefthook"), args, { cwd: top });
      expect(ended.exitCode, ended.stdout + ended.stderr).toBe(0);
    };
    const job = {
      "lefthook.yml": 'post-checkout:\n  jobs:\n    - run: echo lefthook >>"$OUT"\n',
    };

    test.each(["first", "last"])(
      "installed %s, in both worktrees, again and again",
      async (order) => {
        await using box = await makeSandbox("clone", "project", mechanism);
        await commitFiles(box, job);
        await addLinked(box);
        if (order === "last") await box.install();
        await lefthook(box, box.main, "install");
        await box.install();
        await expectBoth(box, box.main, "lefthook");
        await expectBoth(box, linked(box), "lefthook");
        await lefthook(box, linked(box), "install");
        await lefthook(box, linked(box), "install", "--force");
        const report = await box.install();
        expect(report.worktrees[0]).toMatchObject({ runs: true, beside: "lefthook" });
        await expectBoth(box, box.main, "lefthook");
        expect(existsSync(join(box.commonDir, "hooks/post-checkout.old"))).toBe(false);
      },
    );

    test("installs automatically after a change of its configuration", async () => {
      await using box = await makeSandbox("clone", "project", mechanism);
      await commitFiles(box, job);
      await lefthook(box, box.main, "install");
      await box.install();
      await write(
        join(box.main, "lefthook.yml"),
        job["lefthook.yml"].replace("echo", "echo &&echo"),
      );
      await commitFiles(box, {});
      await box.run("git", ["checkout", "--quiet", "main"], { env: { OUT: "/dev/null" } });
      await box.install();
      await using heard = await listen(box.root);
      await box.run("git", ["checkout", "--quiet", "main"], { env: { OUT: "/dev/null" } });
      expect(heard.told).toHaveLength(1);
    });

    test("finds a hook of the user that ours had joined, as if ours were absent", async () => {
      await using box = await makeSandbox("clone", "project", mechanism);
      await commitFiles(box, job);
      const hook = join(box.commonDir, "hooks/post-checkout");
      for (const text of ["#!/bin/sh\ntrue\n", "#!/usr/bin/env node\n0\n"]) {
        await write(hook, text, 0o755);
        await box.install();
        await lefthook(box, box.main, "install");
        await box.install();
        expect(readFileSync(`${hook}.old`, "utf8")).toBe(text);
        await expectBoth(box, box.main, "lefthook");
        await lefthook(box, box.main, "uninstall");
        await box.remove();
        expect(readFileSync(hook, "utf8")).toBe(text);
      }
    });

    test("is unchanged after our removal", async () => {
      await using box = await makeSandbox("clone", "project", mechanism);
      await commitFiles(box, job);
      await lefthook(box, box.main, "install");
      const before = repositoryState(box);
      await box.install();
      await box.remove();
      expect(repositoryState(box)).toEqual(before);
    });
  },
);

describe.each(mechanisms)("pre-commit's rule of installing beside ours by %s", (mechanism) => {
  test.each(["first", "last"])("installed %s, again and again", async (order) => {
    await using box = await makeSandbox("clone", "project", mechanism);
    await addLinked(box);
    if (order === "last") await box.install();
    await installLikePreCommit(box);
    await installLikePreCommit(box);
    await box.install();
    await expectBoth(box, box.main, "pre-commit");
    const report = await box.install();
    expect(report.worktrees[0]).toMatchObject({ runs: true, beside: "pre-commit" });
    await expectBoth(box, linked(box), "pre-commit");
    expect(existsSync(join(box.commonDir, "hooks/post-checkout.legacy"))).toBe(false);
  });

  test("ours runs through the legacy hook until our next check", async () => {
    await using box = await makeSandbox("clone", "project", mechanism);
    await box.install();
    await installLikePreCommit(box);
    await expectBoth(box, box.main, "pre-commit");
  });

  test("restores a hook of the user when it is uninstalled, with and without us", async () => {
    await using box = await makeSandbox("clone", "project", mechanism);
    const hook = join(box.commonDir, "hooks/post-checkout");
    for (const text of ["#!/bin/sh\ntrue\n", "#!/usr/bin/env node\n0\n"]) {
      await write(hook, text, 0o755);
      await box.install();
      await installLikePreCommit(box);
      await box.install();
      await uninstallLikePreCommit(box);
      expect(readFileSync(hook, "utf8")).toBe(text);
      await box.install();
      await box.remove();
      expect(readFileSync(hook, "utf8")).toBe(text);
    }
  });
});

describe.skipIf(!preCommit).each(mechanisms)(
  "pre-commit itself beside ours by %s (skipped where it is not installed)",
  (mechanism) => {
    const configuration = `repos:
- repo: local
  hooks:
  - {id: x, name: x, language: system, entry: sh -c 'echo pre-commit >>"$OUT"', always_run: true, stages: [post-checkout]}
`;
    test.each(["first", "last"])("installed %s, again and again", async (order) => {
      await using box = await makeSandbox("clone", "project", mechanism);
      await commitFiles(box, { ".pre-commit-config.yaml": configuration });
      await addLinked(box);
      const install = async (...args: string[]) => {
        const ended = await box.run(preCommit ?? "", ["install", "-t", "post-checkout", ...args]);
        expect(ended.exitCode, ended.stdout + ended.stderr).toBe(0);
      };
      if (order === "last") await box.install();
      await install();
      await box.install();
      await expectBoth(box, box.main, "pre-commit");
      await install();
      await install("--overwrite");
      await box.install();
      await expectBoth(box, linked(box), "pre-commit");
      const ended = await box.run(preCommit ?? "", ["uninstall", "-t", "post-checkout"]);
      expect(ended.exitCode).toBe(0);
      await box.install();
      await using heard = await listen(box.root);
      await box.git(box.main, "switch", "--quiet", "--create", "after");
      expect(heard.told).toHaveLength(1);
    });
  },
);

describe("core.hooksPath and hook files", () => {
  test("a tracked directory is never written to; the suggested line works", async () => {
    await using box = await makeFileSandbox();
    await commitFiles(box, { ".githooks/pre-push": "#!/bin/sh\n" });
    await addLinked(box);
    await box.git(box.main, "config", "core.hooksPath", ".githooks");
    const before = snapshot(join(box.main, ".githooks"), join(linked(box), ".githooks"));
    const report = await box.install();
    expect(snapshot(join(box.main, ".githooks"), join(linked(box), ".githooks"))).toEqual(before);
    for (const effective of report.worktrees) {
      expect(effective).toMatchObject({ runs: false, through: "watching" });
      expect(effective.why).toMatch(/\.githooks, where a new file would show in git status$/);
    }
    expect(await status(box, box.main)).toBe("");
    const line = report.worktrees[0]?.mend?.split(" there: ")[1] ?? "";
    await write(join(linked(box), ".githooks/post-checkout"), `#!/bin/sh\n${line}\n`, 0o755);
    await using heard = await listen(box.root);
    await box.git(linked(box), "switch", "--quiet", "--create", "other");
    expect(heard.told).toEqual([join(box.commonDir, "worktrees/linked")]);
    expect((await box.install()).worktrees.map(({ runs }) => runs)).toEqual([false, true]);
  });

  test("an absolute path into a worktree that tracks it is not written either", async () => {
    await using box = await makeFileSandbox("bare");
    await commitFiles(box, { "hooks/pre-push": "#!/bin/sh\n" });
    await box.git(box.main, "config", "core.hooksPath", join(box.main, "hooks"));
    const report = await box.install();
    expect(report.worktrees[0]).toMatchObject({ runs: false, through: "watching" });
    expect(await status(box, box.main)).toBe("");
  });

  test("a directory of hooks that is a link to a tracked one is not written either", async () => {
    await using box = await makeFileSandbox();
    await commitFiles(box, { ".githooks/pre-push": "#!/bin/sh\n" });
    await rm(join(box.commonDir, "hooks"), { recursive: true });
    await symlink("../.githooks", join(box.commonDir, "hooks"));
    await box.install();
    expect(await status(box, box.main)).toBe("");
  });

  test("an absolute path beside the repository, and one of a single worktree", async () => {
    await using box = await makeFileSandbox();
    await addLinked(box);
    const [all, one] = [join(box.base, "all"), join(box.base, "one")];
    await mkdir(all);
    await mkdir(one);
    await box.git(box.main, "config", "core.hooksPath", all);
    await box.git(box.main, "config", "extensions.worktreeConfig", "true");
    await box.git(linked(box), "config", "--worktree", "core.hooksPath", one);
    const before = { ...repositoryState(box), ...snapshot(all, one) };
    const report = await box.install();
    expect(report.worktrees.map(({ directory, runs }) => [directory, runs])).toEqual([
      [all, true],
      [one, true],
    ]);
    await using heard = await listen(box.root);
    await box.git(box.main, "switch", "--quiet", "--create", "a");
    await box.git(linked(box), "switch", "--quiet", "--create", "b");
    expect(heard.told).toHaveLength(2);
    await box.remove();
    expect({ ...repositoryState(box), ...snapshot(all, one) }).toEqual(before);
  });

  test("hooks of all the user's repositories are left alone", async () => {
    await using box = await makeFileSandbox();
    const home = box.env.HOME ?? "";
    await mkdir(join(home, "hooks"));
    await box.git(box.main, "config", "--global", "core.hooksPath", "~/hooks");
    const report = await box.install();
    expect(report.worktrees[0]).toMatchObject({ runs: false, directory: join(home, "hooks") });
    expect(report.worktrees[0]?.why).toMatch(/serves other repositories too/);
    expect(snapshot(join(home, "hooks"))).toEqual({ [join(home, "hooks")]: expect.any(String) });
    await box.git(box.main, "config", "--global", "--unset", "core.hooksPath");
    expect((await box.install()).worktrees[0]).toMatchObject({ runs: true });
  });

  test.each([
    ["/dev/null", /switches all hooks off/],
    ["/nowhere/at/all", /does not exist/],
  ])("%s", async (path, why) => {
    await using box = await makeFileSandbox();
    await box.git(box.main, "config", "core.hooksPath", path);
    const [effective] = (await box.install()).worktrees;
    expect(effective).toMatchObject({ runs: false, through: "watching" });
    expect(effective?.why).toMatch(why);
  });

  test("an ignored directory in the worktree is used", async () => {
    await using box = await makeFileSandbox();
    await commitFiles(box, { ".gitignore": "/tmp/\n" });
    await mkdir(join(box.main, "tmp/hooks"), { recursive: true });
    await box.git(box.main, "config", "core.hooksPath", "tmp/hooks");
    expect((await box.install()).worktrees[0]).toMatchObject({ runs: true });
    expect(await status(box, box.main)).toBe("");
    await box.remove();
    expect(Object.keys(snapshot(join(box.main, "tmp/hooks")))).toHaveLength(1);
  });
});
