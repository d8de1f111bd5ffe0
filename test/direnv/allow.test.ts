import fs from "node:fs";
import { join } from "node:path";
import { afterEach, beforeEach, describe, expect, it } from "vitest";
import {
  allowEnvrc,
  isAllowed,
  mayAllowTracked,
  withdrawAllowance,
} from "../../src/host/direnv/allow.ts";
import { removeEnvrc } from "../../src/host/direnv/envrc.ts";
import { TRACKED_ENVRC_LINE } from "../../src/model/envrc.ts";
import { DirenvProject } from "./project.ts";

let project: DirenvProject;
beforeEach(() => {
  project = new DirenvProject();
});
afterEach(() => project.remove());

/** Returns a variable as direnv sets it in a directory, or the reason why direnv refuses. */
function seen(directory: string, name: string): string {
  try {
    return project.direnv(directory, "exec", ".", "printenv", name).trimEnd();
  } catch (error) {
    return String((error as { stderr?: string }).stderr).includes("is blocked")
      ? "blocked"
      : "unset";
  }
}

describe("our .envrc", () => {
  it("is loaded without a prompt and leaves git's status clean", async () => {
    const top = project.add("main");
    project.setVariables("main", { IKIGAI_WORKTREE: "main" });
    expect(await project.provide(top, "main")).toEqual({ envrc: "written", allowed: "allowed" });
    expect(await project.provide(top, "main")).toEqual({ envrc: "unchanged", allowed: "already" });
    expect(seen(top, "IKIGAI_WORKTREE")).toBe("main");
    expect(project.git(top, "status", "--porcelain")).toBe("");
    expect(fs.readdirSync(project.layout.run)).toEqual(["env"]);
  });

  it("has exactly the record that direnv allow writes", async () => {
    const top = project.add("main");
    await project.provide(top, "main");
    const records = join(project.environment.XDG_DATA_HOME ?? "", "direnv/allow");
    const ours = fs
      .readdirSync(records)
      .map((name) => [name, fs.readFileSync(join(records, name), "utf8")]);
    fs.rmSync(records, { recursive: true });
    project.direnv(top, "allow");
    const theirs = fs
      .readdirSync(records)
      .map((name) => [name, fs.readFileSync(join(records, name), "utf8")]);
    // direnv 2.32 writes the bare path; later versions append a newline.
    expect(ours.map(([name]) => name)).toEqual(theirs.map(([name]) => name));
    expect(ours.map(([, path]) => path?.trim())).toEqual(theirs.map(([, path]) => path?.trim()));
  });

  it("is not allowed when its content was replaced", async () => {
    const top = project.add("main");
    const path = join(top, ".envrc");
    const allow = () => allowEnvrc(path, "export OURS=1\n", project.environment);
    expect(await allow()).toBe("changed");
    fs.writeFileSync(path, "export EVIL=1\n");
    expect(await allow()).toBe("changed");
    fs.writeFileSync(join(project.base, "elsewhere"), "export OURS=1\n");
    fs.rmSync(path);
    fs.symlinkSync(join(project.base, "elsewhere"), path);
    expect(await allow()).toBe("changed");
    expect([isAllowed(path, project.environment), seen(top, "OURS")]).toEqual([false, "blocked"]);
  });

  it("is rewritten and allowed again when it is from another version", async () => {
    const top = project.add("main");
    project.add("new");
    project.setVariables("new", { IKIGAI_WORKTREE: "new" });
    await project.provide(top, "old");
    expect(await project.provide(top, "new")).toEqual({ envrc: "written", allowed: "allowed" });
    expect(seen(top, "IKIGAI_WORKTREE")).toBe("new");
  });

  it("stays denied once the user has denied it, also when it is rewritten", async () => {
    const top = project.add("main");
    await project.provide(top, "main");
    project.direnv(top, "deny");
    expect((await project.provide(top, "main")).allowed).toBe("denied");
    expect((await project.provide(top, "other")).allowed).toBe("denied");
    project.direnv(top, "allow");
    expect((await project.provide(top, "other")).allowed).toBe("already");
  });

  it("honours the records of denial that later versions of direnv keep", async () => {
    const top = project.add("main");
    await project.provide(top, "main");
    const deny = join(project.environment.XDG_DATA_HOME ?? "", "direnv/deny");
    fs.mkdirSync(deny);
    const { sha256 } = await import("../../src/host/fs/files.ts");
    fs.writeFileSync(join(deny, sha256(`${top}/.envrc\n`)), `${top}/.envrc\n`);
    expect((await project.provide(top, "main")).allowed).toBe("denied");
    expect(isAllowed(join(top, ".envrc"), project.environment)).toBe(false);
  });

  it("is allowed in a new worktree in the place of a denied one", async () => {
    const top = project.add("main");
    await project.provide(top, "main");
    project.direnv(top, "deny");
    project.git(project.root, "worktree", "remove", top);
    project.git(project.root, "branch", "-D", "branch-main");
    project.add("main");
    // Later versions of direnv remember a deny by path.
    const deny = join(project.environment.XDG_DATA_HOME ?? "", "direnv/deny");
    const expected = fs.existsSync(deny) ? "denied" : "allowed";
    expect((await project.provide(top, "main")).allowed).toBe(expected);
  });

  it("is reported where no record can be written", async () => {
    const top = project.add("main");
    const data = project.environment.XDG_DATA_HOME ?? "";
    fs.mkdirSync(data, { recursive: true });
    fs.writeFileSync(join(data, "direnv"), "");
    expect((await project.provide(top, "main")).allowed).toBe("failed");
  });

  it("says briefly what is missing when the environment does not exist yet", async () => {
    const top = project.add("main");
    await project.provide(top, "main");
    const { spawnSync } = await import("node:child_process");
    const options = { cwd: top, env: project.environment, encoding: "utf8" } as const;
    const { status, stderr } = spawnSync("direnv", ["exec", ".", "true"], options);
    expect([status, stderr.includes("ikigai start"), stderr.includes("error")]).toEqual([
      0,
      true,
      false,
    ]);
  });

  it.each(["$(touch PWNED)", "a`touch PWNED`", 'a";touch PWNED;"', "a\\"])(
    "is not made in a directory whose name an old direnv would run: %s",
    async (name) => {
      const top = project.add("main", join(project.root, "x"));
      await project.provide(top, "main");
      const moved = join(project.root, name);
      project.git(project.root, "worktree", "move", top, moved);
      expect(await project.provide(moved, "main")).toEqual({ envrc: "unsafe" });
      expect(fs.readdirSync(moved)).toEqual([".git"]);
      fs.writeFileSync(join(moved, ".envrc"), "export MINE=1\n");
      expect(await project.provide(moved, "main", moved)).toEqual({ envrc: "unsafe" });
    },
  );

  it("comes from the provisioner, whatever a branch puts at .ikigai", async () => {
    const top = project.add("main");
    fs.mkdirSync(join(top, ".ikigai/run/env"), { recursive: true });
    fs.writeFileSync(join(top, ".ikigai/run/env/main.sh"), "export IKIGAI_WORKTREE=evil\n");
    project.setVariables("main", { IKIGAI_WORKTREE: "main" });
    await project.provide(top, "main");
    expect(seen(top, "IKIGAI_WORKTREE")).toBe("main");
  });
});

describe("a foreign .envrc", () => {
  it("is left alone, with or without content, as link and as directory", async () => {
    const top = project.add("main");
    const path = join(top, ".envrc");
    for (const make of [
      () => fs.writeFileSync(path, "export MINE=1\n"),
      () => fs.writeFileSync(path, ""),
      () => fs.symlinkSync("/dev/null", path),
      () => fs.mkdirSync(path),
    ]) {
      make();
      const before = fs.lstatSync(path).ino;
      expect(await project.provide(top, "main")).toEqual({ envrc: "foreign" });
      expect(removeEnvrc(top)).toBe("foreign");
      expect(fs.lstatSync(path).ino).toBe(before);
      fs.rmSync(path, { recursive: true });
    }
  });

  it("is not replaced where git tracks one that is missing", async () => {
    const top = project.add("main");
    project.track(top, "export MINE=1\n");
    fs.rmSync(join(top, ".envrc"));
    expect(await project.provide(top, "main")).toEqual({ envrc: "tracked" });
    project.git(top, "rm", "-q", "--cached", ".envrc");
    expect(await project.provide(top, "main")).toEqual({ envrc: "tracked" });
    expect(fs.existsSync(join(top, ".envrc"))).toBe(false);
  });

  it("is not allowed because it bears our mark", async () => {
    const top = project.add("main");
    const { ENVRC_MARK } = await import("../../src/model/envrc.ts");
    project.track(top, `${ENVRC_MARK}\nexport EVIL=1\n`);
    expect(await project.provide(top, "main")).toEqual({ envrc: "tracked" });
    expect(seen(top, "EVIL")).toBe("blocked");
    expect(project.git(top, "status", "--porcelain")).toBe("");
  });

  it("is allowed only with the bytes of the default worktree's, and while that is allowed", async () => {
    const main = project.add("main");
    project.track(main, `export MINE=1\n${TRACKED_ENVRC_LINE}\n`);
    const other = project.add("other");
    project.git(other, "reset", "-q", "--hard", "branch-main");
    project.setVariables("other", { IKIGAI_WORKTREE: "other" });
    const may = () =>
      mayAllowTracked(join(main, ".envrc"), join(other, ".envrc"), project.environment);

    expect(await project.provide(other, "other", main)).toEqual({ envrc: "foreign" });
    expect([may(), seen(other, "MINE")]).toEqual([false, "blocked"]);

    project.direnv(main, "allow");
    fs.appendFileSync(join(other, ".envrc"), "touch evil\n");
    expect(await project.provide(other, "other", main)).toEqual({ envrc: "foreign" });
    expect([may(), seen(other, "MINE")]).toEqual([false, "blocked"]);

    project.git(other, "checkout", "-q", "--", ".envrc");
    expect(await project.provide(other, "other", main)).toEqual({
      envrc: "foreign",
      allowed: "allowed",
    });
    expect([seen(other, "MINE"), seen(other, "IKIGAI_WORKTREE")]).toEqual(["1", "other"]);

    project.direnv(other, "deny");
    expect((await project.provide(other, "other", main)).allowed).toBe("denied");
  });

  it("may hold the line that loads our environment where ikigai is not", () => {
    const top = project.add("main");
    project.track(top, `${TRACKED_ENVRC_LINE}\nexport MINE=1\n`);
    project.direnv(top, "allow");
    expect(seen(top, "MINE")).toBe("1");
  });
});

it("removes only ours", async () => {
  const top = project.add("main");
  expect(removeEnvrc(top)).toBe("absent");
  await project.provide(top, "main");
  expect([removeEnvrc(top), fs.existsSync(join(top, ".envrc"))]).toEqual(["removed", false]);
});

describe("the record of a removed worktree", () => {
  const records = () => {
    const directory = join(project.environment.XDG_DATA_HOME ?? "", "direnv/allow");
    return fs.readdirSync(directory).length;
  };
  const remove = (top: string) => {
    project.git(project.root, "worktree", "remove", "--force", top);
    withdrawAllowance(join(top, ".envrc"), project.environment);
  };

  it("is removed with the worktree, and with the file's earlier content", async () => {
    const top = project.add("main");
    await project.provide(top, "main");
    await project.provide(top, "main");
    project.add("new");
    await project.provide(top, "new");
    expect(records()).toBe(1);
    remove(top);
    expect(records()).toBe(0);
  });

  it("stays if the user made it", async () => {
    const top = project.add("main");
    project.track(top, "export MINE=1\n");
    project.direnv(top, "allow");
    expect((await project.provide(top, "main", top)).allowed).toBe("already");
    remove(top);
    expect(records()).toBe(1);
  });
});
