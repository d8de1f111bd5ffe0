import { existsSync } from "node:fs";
import { appendFile, mkdir, readFile, rm, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import type { TestProject } from "../support/project.ts";
import { converged, listedByGit, startProject } from "./support.ts";

let project: TestProject;

beforeAll(async () => {
  project = await startProject({ branches: ["local"] });
  await project.git(".", "clone", "--quiet", "--bare", ".git", "../upstream.git");
  await project.git("../upstream.git", "branch", "shared", "main");
  await project.git(".", "remote", "add", "upstream", join(project.root, "../upstream.git"));
  await project.git(
    ".",
    "config",
    "remote.upstream.fetch",
    "+refs/heads/*:refs/remotes/upstream/*",
  );
  await project.git(".", "fetch", "--quiet", "upstream");
});
afterAll(async () => {
  expect(await project.dispose()).toEqual([]);
});

const branchOf = (name: string) => project.git(name, "symbolic-ref", "--short", "HEAD");

describe("ikigai wt add", () => {
  it("uses a local branch, returns when it is ready, and prints only the address", async () => {
    const { exitCode, stdout } = await project.ikigai("wt", "add", "local");
    expect({ exitCode, stdout }).toEqual({
      exitCode: 0,
      stdout: `http://localhost:${project.httpPort}/local`,
    });
    expect(await branchOf("local")).toBe("local");
    expect((await project.http("/local/frontend/")).text).toContain("Hello from local");
    await converged(project, 0);
  });

  it("tracks a branch that one remote has", async () => {
    expect((await project.ikigai("wt", "add", "shared")).exitCode).toBe(0);
    expect(await project.git("shared", "rev-parse", "--abbrev-ref", "@{upstream}")).toBe(
      "upstream/shared",
    );
  });

  it("otherwise creates a branch, from the given commit, in a directory without slashes", async () => {
    expect((await project.ikigai("wt", "add", "feature/x", "--from", "local")).exitCode).toBe(0);
    expect(await branchOf("feature-x")).toBe("feature/x");
    expect(await project.git("feature-x", "rev-parse", "HEAD")).toBe(
      await project.git(".", "rev-parse", "local"),
    );
  });

  it("runs users' hooks in the environment that plain git gives them", async () => {
    const hook = join(project.root, ".git/hooks/reference-transaction");
    const seen = join(project.home, "seen");
    const script = `#!/bin/sh\necho "$LC_ALL \${GIT_OPTIONAL_LOCKS-unset}" >>'${seen}'\n`;
    await writeFile(hook, script, { mode: 0o755 });
    try {
      const env = { LC_ALL: "C.UTF-8" };
      const command = join(project.root, ".ikigai/bin/ikigai");
      const { exitCode } = await project.run(command, ["wt", "add", "hooked"], { env });
      expect(exitCode).toBe(0);
      const lines = (await readFile(seen, "utf8")).trimEnd().split("\n");
      expect([...new Set(lines)]).toEqual(["C.UTF-8 unset"]);
    } finally {
      await rm(hook, { force: true });
      await project.ikigai("wt", "remove", "hooked", "--force");
    }
  });

  it.each([
    ["a name that is no branch's", ["a..b"], "is not a valid branch name"],
    ["an option in its place", ["--", "-f"], "is not a valid branch name"],
    ["a branch that is checked out", ["main"], "already exists"],
    ["an option as revision", ["other", "--from=--force"], "Unknown commit or branch"],
  ])("refuses %s and changes nothing", async (_, args, why) => {
    const before = await listedByGit(project);
    const { exitCode, stderr } = await project.ikigai("wt", "add", ...args);
    expect(exitCode).toBe(1);
    expect(stderr).toContain(why);
    expect(await listedByGit(project)).toEqual(before);
  });
});

describe("ikigai wt add with worktrees.directory", () => {
  it("puts the worktree there, and leaves nothing if git refuses", async () => {
    const file = join(project.root, ".ikigairc.json");
    const before = await readFile(file, "utf8");
    const set = { ...JSON.parse(before), worktrees: { directory: "../places/of work" } };
    await writeFile(file, JSON.stringify(set));
    const places = join(project.root, "../places");
    expect((await project.ikigai("wt", "add", "refused", "--from", "nowhere")).exitCode).toBe(1);
    expect(existsSync(join(places, "of work"))).toBe(false);
    expect((await project.ikigai("wt", "add", "feature/placed")).exitCode).toBe(0);
    expect(await branchOf("../places/of work/feature-placed")).toBe("feature/placed");
    expect((await project.http("/feature-placed/frontend/")).status).toBe(200);
    expect((await project.ikigai("wt", "remove", "feature-placed")).exitCode).toBe(0);
    await writeFile(file, before);
  });
});

describe("ikigai wt remove", () => {
  const remove = (...args: string[]) => project.ikigai("wt", "remove", ...args);

  it.each<[string, () => Promise<unknown>, string]>([
    [
      "uncommitted",
      () => appendFile(join(project.root, "local/frontend/index.html"), "<!-- more -->"),
      "1 uncommitted file (frontend/index.html)",
    ],
    [
      "untracked",
      () => writeFile(join(project.root, "local/new\u202e"), ""),
      "1 untracked file (new\\u{202e})",
    ],
    [
      "unpushed",
      async () => {
        await project.git("local", "add", "--all");
        await project.git("local", "commit", "--quiet", "-m", "Mine");
      },
      "1 unpushed commit",
    ],
  ])("refuses when work is %s", async (_, change, why) => {
    await change();
    const { exitCode, stderr } = await remove("local");
    expect(exitCode).toBe(1);
    expect(stderr).toContain(why);
    expect(await listedByGit(project)).toContain("local");
  });

  it("refuses a locked one and says how to unlock it", async () => {
    await project.git(".", "worktree", "lock", "--reason", "mine", "local");
    const { stderr } = await remove("local", "--force");
    expect(stderr).toContain("locked (mine)");
    expect(stderr).toContain("git worktree unlock local");
    await project.git(".", "worktree", "unlock", "local");
  });

  it("removes with --force, by branch, from inside the worktree", async () => {
    const { exitCode } = await project.run(
      process.execPath,
      cli("wt", "remove", "local", "--force"),
      {
        cwd: "local",
      },
    );
    expect(exitCode).toBe(0);
    await project.git("feature-x", "commit", "--quiet", "--allow-empty", "-m", "Mine");
    expect((await remove("feature/x")).exitCode).toBe(1);
    await project.git("feature-x", "push", "--quiet", "upstream", "feature/x");
    expect((await remove("feature/x")).exitCode).toBe(0);
    await converged(project, 0);
    expect(await listedByGit(project)).toEqual(["main", "shared"]);
  });
});

describe("ikigai wt prune", () => {
  const prune = async (...args: string[]) => {
    const { exitCode, stdout } = await project.ikigai("wt", "prune", "--json", ...args);
    return { exitCode, ...JSON.parse(stdout) };
  };

  it("shows merged ones, keeps recent ones and those in use, and removes only with --yes", async () => {
    await project.ikigai("wt", "add", "done");
    await project.ikigai("wt", "add", "ahead");
    await project.ikigai("wt", "add", "dirty");
    await writeFile(join(project.root, "dirty/new"), "");
    await project.git("ahead", "commit", "--quiet", "--allow-empty", "-m", "Ahead");
    const young = await prune("--merged");
    expect(young.worktrees.every(({ goes }: { goes: boolean }) => !goes)).toBe(true);
    const shown = await prune("--merged", "--min-age", "0s");
    expect(shown).toMatchObject({ exitCode: 0, removed: false });
    const going = shown.worktrees.filter(({ goes }: { goes: boolean }) => goes);
    expect(going.map(({ name }: { name: string }) => name)).toEqual(["done", "shared"]);
    expect(await listedByGit(project)).toContain("done");
    await prune("--merged", "--min-age", "0s", "--yes");
    expect(await listedByGit(project)).toEqual(["ahead", "dirty", "main"]);
    await converged(project, 0);
  });

  it("removes those whose directory is gone", async () => {
    await rm(join(project.root, "dirty"), { recursive: true });
    expect((await prune()).worktrees).toMatchObject([{ name: "dirty", goes: true }]);
    await prune("--yes");
    expect(await project.git(".", "worktree", "list")).not.toContain("dirty");
  });
});

describe("completion", () => {
  const complete: Record<string, (words: readonly string[]) => [string, string[]]> = {
    bash: (words) => [
      "bash",
      [
        "-c",
        `source <(ikigai completion bash); COMP_WORDS=(${words.map((w) => `'${w}'`).join(" ")}); COMP_CWORD=${words.length - 1}; _ikigai; printf '%s\\n' "\${COMPREPLY[@]}"`,
      ],
    ],
    zsh: (words) => [
      "zsh",
      [
        "-fc",
        `compdef() { :; }; compadd() { shift; print -l -- "$@"; }; source <(ikigai completion zsh); words=(${words.map((w) => `'${w}'`).join(" ")}); CURRENT=${words.length}; _ikigai`,
      ],
    ],
    fish: (words) => [
      "fish",
      ["-c", `ikigai completion fish | source; complete -C '${words.join(" ")}'`],
    ],
  };

  it.each(Object.keys(complete))("of %s knows commands, options and worktrees", async (shell) => {
    const bin = join(project.home, "bin");
    await mkdir(bin, { recursive: true });
    await writeFile(
      join(bin, "ikigai"),
      `#!/bin/sh\nexec ${cli()
        .map((w) => `'${w}'`)
        .join(" ")
        .replace(/^/, `'${process.execPath}' `)} "$@"\n`,
      { mode: 0o755 },
    );
    const ask = async (...words: string[]) => {
      const [program, args] = complete[shell]?.(words) ?? ["false", []];
      const { stdout, stderr } = await project.run(program, args, {
        env: { PATH: `${bin}:${project.env.PATH}` },
      });
      return `${stdout}\n${stderr}`.split("\n").map((line) => line.split("\t")[0]);
    };
    expect(await ask("ikigai", "")).toEqual(expect.arrayContaining(["start", "wt", "doctor"]));
    expect(await ask("ikigai", "wt", "")).toEqual(expect.arrayContaining(["add", "restore"]));
    expect(await ask("ikigai", "wt", "show", "")).toEqual(
      expect.arrayContaining(["main", "ahead"]),
    );
    if (shell !== "fish") {
      expect(await ask("ikigai", "wt", "prune", "--")).toEqual(
        expect.arrayContaining(["--merged"]),
      );
    } else {
      expect(await ask("ikigai", "wt", "prune", "--m")).toEqual(
        expect.arrayContaining(["--merged"]),
      );
    }
  });
});

function cli(...args: string[]): string[] {
  return [new URL("../../dist/cli.cjs", import.meta.url).pathname, ...args];
}
