import {
  chmodSync,
  readdirSync,
  readFileSync,
  readlinkSync,
  renameSync,
  statSync,
  symlinkSync,
} from "node:fs";
import { rm } from "node:fs/promises";
import { join } from "node:path";
import { describe, expect, test } from "vitest";
import { readHookConfig } from "../../src/host/git/hook/config.ts";
import {
  configure,
  configuredCommand,
  isConfigured,
  runsConfiguredHooks,
  unconfigure,
} from "../../src/host/git/hook/in-config.ts";
import { effectiveHook, installHook } from "../../src/host/git/hook/installation.ts";
import { snapshot } from "./snapshot.ts";
import {
  gitRunsConfigured,
  listen,
  makeFileSandbox,
  makeSandbox,
  OLD_GIT,
  type Sandbox,
  write,
} from "./support.ts";

test.each([
  ["git version 2.39.5", false],
  ["git version 2.53.9", false],
  ["git version 2.54.0.rc1", true],
  ["git version 2.54.0", true],
  ["git version 2.54.1 (Apple Git-160)", true],
  ["git version 2.100.0.windows.1", true],
  ["git version 3.0.0", true],
  ["git version 1.99.0", false],
  ["something else", false],
])("%s: hooks by configuration are %s", (version, expected) => {
  expect(runsConfiguredHooks(version)).toBe(expected);
});

test("git's sh passes the hook's arguments on, and is silent when the script is missing", async () => {
  await using box = await makeSandbox();
  const body = join(box.base, "it's a\nhook");
  await write(body, `#!/bin/sh\nprintf '<%s>' "$@"\n`, 0o755);
  // As git's run-command.c starts a command that contains shell characters.
  const git = (path: string) =>
    box.run("sh", ["-c", `${configuredCommand(path)} "$@"`, "hook", "a b", "1"]);
  expect(await git(body)).toEqual({ exitCode: 0, stdout: "<a b><1>", stderr: "" });
  expect(await git(`${body}.gone`)).toEqual({ exitCode: 0, stdout: "", stderr: "" });
});

test("the repository's configuration contains the hook, and afterwards its old bytes", async () => {
  await using box = await makeSandbox();
  const file = join(box.commonDir, "config");
  await write(
    file,
    `${readFileSync(file, "utf8")}# mine\n[hook "theirs"]\n\tevent = post-checkout\n\tcommand = true\n`,
  );
  const before = readFileSync(file);
  const read = () => readHookConfig(Buffer.from(box.commonDir), box.commonDir, box.env);
  const body = "/some 'where'/ikigai-hook";
  expect(isConfigured(await read(), body)).toBe(false);
  await configure(box.commonDir, body, box.env);
  expect(isConfigured(await read(), body)).toBe(true);
  expect(isConfigured(await read(), "/moved/ikigai-hook")).toBe(false);
  await configure(box.commonDir, body, box.env);
  expect(isConfigured(await read(), body)).toBe(true);
  await unconfigure(box.commonDir, box.env);
  await unconfigure(box.commonDir, box.env);
  expect(readFileSync(file)).toEqual(before);
});

describe("a configuration whose last line does not end", () => {
  const body = "/x/ikigai-hook";
  const make = async (box: Sandbox) => {
    const file = join(box.commonDir, "config");
    await box.git(box.main, "config", "their.last", "line");
    await write(file, readFileSync(file, "latin1").trimEnd());
    return { file, before: readFileSync(file, "latin1") };
  };

  test("is byte for byte what it was, however often the hook was written", async () => {
    await using box = await makeSandbox();
    const { file, before } = await make(box);
    for (const path of [body, "/moved/ikigai-hook"]) await configure(box.commonDir, path, box.env);
    expect(await box.git(box.main, "config", "their.last")).toBe("line");
    await unconfigure(box.commonDir, box.env);
    await unconfigure(box.commonDir, box.env);
    expect(readFileSync(file, "latin1")).toBe(before);
    expect(readdirSync(box.commonDir)).not.toContain("config.lock");
  });

  test("stays a link with its file's mode", async () => {
    await using box = await makeSandbox();
    const { file, before } = await make(box);
    const real = join(box.base, "elsewhere");
    renameSync(file, real);
    chmodSync(real, 0o640);
    symlinkSync(real, file);
    await configure(box.commonDir, body, box.env);
    await unconfigure(box.commonDir, box.env);
    expect(readlinkSync(file)).toBe(real);
    expect(readFileSync(real, "latin1")).toBe(before);
    expect(statSync(real).mode & 0o777).toBe(0o640);
  });

  test("keeps a section that follows ours", async () => {
    await using box = await makeSandbox();
    const { file, before } = await make(box);
    const mine = "[mine]\n\tkey = value\n";
    await configure(box.commonDir, body, box.env);
    await write(file, readFileSync(file, "latin1") + mine);
    await unconfigure(box.commonDir, box.env);
    expect(readFileSync(file, "latin1")).toBe(`${before}\n${mine}`);
  });

  test("is left alone while another process holds its lock", async () => {
    await using box = await makeSandbox();
    const { file, before } = await make(box);
    await configure(box.commonDir, body, box.env);
    const configured = readFileSync(file, "latin1");
    await write(`${file}.lock`, "");
    await expect(unconfigure(box.commonDir, box.env)).rejects.toThrow("could not lock");
    expect(readFileSync(file, "latin1")).toBe(configured);
    await rm(`${file}.lock`);
    await unconfigure(box.commonDir, box.env);
    expect(readFileSync(file, "latin1")).toBe(before);
  });
});

test("a hook left in the configuration by a newer git gives way to a file", async () => {
  await using box = await makeFileSandbox();
  await configure(box.commonDir, "/x/ikigai-hook", box.env);
  const report = await box.install();
  expect(report.worktrees[0]).toMatchObject({ runs: true, through: "hook file" });
  expect(readFileSync(join(box.commonDir, "config"), "utf8")).not.toMatch(/ikigai/);
});

test("an upgrade of git is noticed while we run, and its version read once", async () => {
  await using box = await makeSandbox();
  const bin = join(box.base, "bin");
  const asked = join(box.base, "asked");
  const { stdout: git } = await box.run("sh", ["-c", "command -v git"]);
  // The real git, except for the version that it reports.
  const become = (version: string) =>
    write(
      join(bin, "git"),
      `#!/bin/sh\n[ "$*" != version ] || { echo >>'${asked}'; echo git version ${version}; exit; }\nexec ${git} "$@"\n`,
      0o755,
    );
  const env = { ...box.env, PATH: `/nowhere:${bin}:${box.env.PATH}` };
  const install = async () =>
    (await installHook({ ...box.repository(), env })).worktrees.map(({ through }) => through);
  await become("2.53.0");
  for (let n = 0; n < 2; n += 1) expect(await install()).toEqual(["hook file"]);
  await become("2.54.0");
  for (let n = 0; n < 2; n += 1) expect(await install()).toEqual(["configuration"]);
  expect(readFileSync(asked, "latin1")).toBe("\n\n");
});

test("a moved project finds its script, and one without a script is silent", async () => {
  await using box = await makeSandbox();
  const gone = join(box.base, "before/.git/ikigai-hook");
  const git = () => box.run("sh", ["-c", `${configuredCommand(gone)} "$@"`, "hook", "a b"]);
  expect(await git()).toEqual({ exitCode: 0, stdout: "", stderr: "" });
  await write(join(box.commonDir, "ikigai-hook"), `#!/bin/sh\nprintf '<%s>' "$@"\n`, 0o755);
  expect(await git()).toEqual({ exitCode: 0, stdout: "<a b>", stderr: "" });
});

// git has hooks in the configuration since 2.54.
describe.skipIf(!gitRunsConfigured)("with a git that has them (2.54 or newer)", () => {
  const linked = (box: Sandbox) => join(box.base, "linked");
  const switchIn = (box: Sandbox, top: string) =>
    box.git(top, "switch", "--quiet", "--create", `b${Math.random()}`);

  test("the hook runs once, in every worktree, whatever core.hooksPath is", async () => {
    await using box = await makeSandbox();
    const report = await box.install();
    expect(report.worktrees).toEqual([{ slug: "main", runs: true, through: "configuration" }]);
    expect(readdirSync(join(box.commonDir, "hooks"))).not.toContain("post-checkout");
    await using heard = await listen(box.root);
    const added = await box.run("git", ["worktree", "add", "--quiet", linked(box)]);
    expect(added).toEqual({ exitCode: 0, stdout: "", stderr: "" });
    const [main, other] = [box.commonDir, join(box.commonDir, "worktrees/linked")];
    expect(heard.told).toEqual([other]);
    for (const path of [".githooks", "/dev/null", "/nowhere/at/all"]) {
      await box.git(box.main, "config", "core.hooksPath", path);
      await switchIn(box, box.main);
      await switchIn(box, linked(box));
      expect((await box.install()).worktrees.map(({ runs }) => runs)).toEqual([true, true]);
    }
    expect(heard.told.slice(1)).toEqual([main, other, main, other, main, other]);
  });

  test("a failing foreign hook still determines git's exit status, and ours is silent", async () => {
    await using box = await makeSandbox();
    await write(
      join(box.commonDir, "hooks/post-checkout"),
      "#!/bin/sh\necho mine\nexit 3\n",
      0o755,
    );
    const args = ["switch", "--quiet", "--create"];
    const before = await box.run("git", [...args, "one"]);
    const report = await box.install();
    expect(report.worktrees[0]).toMatchObject({ runs: true, beside: "another hook" });
    await using heard = await listen(box.root);
    expect(await box.run("git", [...args, "two"])).toEqual(before);
    expect(heard.told).toHaveLength(1);
    await rm(join(box.commonDir, "ikigai-hook"));
    expect(await box.run("git", [...args, "three"])).toEqual(before);
  });

  test("an older git's hook files still reach the daemon, and are replaced by the configuration", async () => {
    await using box = await makeSandbox();
    const before = snapshot(...["hooks", "config", "info"].map((x) => join(box.commonDir, x)));
    const repository = { ...box.repository(), gitVersion: OLD_GIT };
    await installHook(repository);
    await using heard = await listen(box.root);
    await switchIn(box, box.main);
    expect(heard.told).toHaveLength(1);
    const [worktree] = box.repository().worktrees;
    if (!worktree) throw new Error("no worktree");
    expect(await effectiveHook(box.repository(), worktree)).toMatchObject({ through: "hook file" });
    await box.install();
    await switchIn(box, box.main);
    expect(heard.told).toHaveLength(2);
    expect(await effectiveHook(box.repository(), worktree)).toMatchObject({
      through: "configuration",
    });
    // And back again, as with two alternating versions of git.
    await installHook(repository);
    await switchIn(box, box.main);
    expect(heard.told).toHaveLength(3);
    await box.install();
    await box.remove();
    expect(snapshot(...["hooks", "config", "info"].map((x) => join(box.commonDir, x)))).toEqual(
      before,
    );
  });

  test.each(["hook.ikigai.enabled", "hook.post-checkout.enabled"])(
    "%s disables it, which stays so and is reported with the command that enables it",
    async (key) => {
      await using box = await makeSandbox();
      await box.install();
      await box.git(box.main, "config", key, "no");
      await box.git(box.main, "config", "hook.ikigai.command", "lost");
      const [effective] = (await box.install()).worktrees;
      expect(effective).toMatchObject({ runs: false, through: "watching" });
      expect(effective?.why).toBe(`${key} is false in git's configuration`);
      await using heard = await listen(box.root);
      await switchIn(box, box.main);
      expect(heard.told).toEqual([]);
      await box.run("sh", ["-c", effective?.mend ?? ""]);
      await switchIn(box, box.main);
      expect(heard.told).toHaveLength(1);
    },
  );
});
