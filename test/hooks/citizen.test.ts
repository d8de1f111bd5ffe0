import { existsSync, readdirSync, readlinkSync, symlinkSync } from "node:fs";
import { mkdir, realpath, rm } from "node:fs/promises";
import { createServer, type Socket } from "node:net";
import { join } from "node:path";
import { expect, test } from "vitest";
import { readWorktrees } from "../../src/discovery/worktrees.ts";
import { installHook, removeHook } from "../../src/host/git/hook/installation.ts";
import { waitFor } from "../support/wait.ts";
import { type Listener, listen, makeSandbox, type Sandbox, scriptOf, write } from "./support.ts";

const states = ["up", "stopped", "killed", "hanging"] as const;

/** A daemon in one of the states that the hook can encounter. */
async function daemon(box: Sandbox, state: (typeof states)[number]): Promise<Listener | undefined> {
  if (state === "up" || state === "hanging")
    return await listen(box.root, { hang: state === "hanging" });
  if (state === "killed") {
    // A child leaves its socket behind, like a killed daemon.
    const script =
      "require('net').createServer().listen('daemon.sock', () => process.kill(process.pid, 9))";
    await box.run(process.execPath, ["-e", script], { cwd: join(box.root, ".ikigai") });
    expect(existsSync(join(box.root, ".ikigai/daemon.sock"))).toBe(true);
  }
  return undefined;
}

test.each(["bare", "dot-bare", "clone"] as const)(
  "a checkout in a %s project reaches the daemon",
  async (shape) => {
    await using box = await makeSandbox(shape);
    await box.install();
    await using heard = await listen(box.root);
    const added = join(box.base, "added");
    await box.git(box.main, "worktree", "add", "--quiet", added);
    await box.git(box.main, "switch", "--quiet", "--create", "other");
    const gitDir = (top: string) => box.git(top, "rev-parse", "--absolute-git-dir");
    expect(heard.told).toEqual([await gitDir(added), await gitDir(box.main)]);
  },
);

test("a merge and a rebase reach the daemon, an amended commit does not", async () => {
  await using box = await makeSandbox();
  await box.git(box.main, "switch", "--quiet", "--create", "side");
  await write(join(box.main, "side.txt"), "side\n");
  await box.git(box.main, "add", ".");
  await box.git(box.main, "commit", "--quiet", "--message=Side");
  await box.git(box.main, "branch", "again");
  await box.git(box.main, "switch", "--quiet", "main");
  await box.install();
  await using heard = await listen(box.root);
  await box.git(box.main, "commit", "--quiet", "--amend", "--message=Renamed");
  expect(heard.told).toEqual([]);
  await box.git(box.main, "merge", "--quiet", "--allow-unrelated-histories", "--no-edit", "side");
  expect(heard.told).toHaveLength(1);
  await box.git(box.main, "switch", "--quiet", "again");
  const before = heard.told.length;
  await box.git(box.main, "rebase", "--quiet", "main~1");
  expect(heard.told.length).toBeGreaterThan(before);
});

test.each(states)("git prints and returns the same with the daemon %s", async (state) => {
  await using plain = await makeSandbox();
  await using hooked = await makeSandbox();
  await hooked.install();
  const heard = await daemon(hooked, state);
  for (const args of [
    ["worktree", "add", "--quiet", "../one"],
    ["worktree", "add", "--quiet", "../one"],
    ["worktree", "add", "../two"],
    ["switch", "--quiet", "--create", "three"],
    ["switch", "--quiet", "nowhere"],
    ["checkout", "--quiet", "main", "--", "app.txt"],
  ]) {
    expect(await hooked.run("git", args), args.join(" ")).toEqual(await plain.run("git", args));
  }
  if (heard) expect(heard.told).toHaveLength(4);
  await heard?.[Symbol.asyncDispose]();
});

test("a pipe that reads git's output ends although the daemon never answers", async () => {
  await using box = await makeSandbox();
  await box.install();
  await using heard = await listen(box.root, { hang: true });
  const piped = await box.run("sh", ["-c", "git worktree add ../one 2>&1 | cat"]);
  expect(piped.exitCode).toBe(0);
  expect(heard.told).toHaveLength(1);
  expect(heard.told).toEqual([join(box.commonDir, "worktrees/one")]);
  await waitFor(() => heard.pending() === 0, { what: "the hook to have hung up" });
  expect(processesIn(box.base)).toEqual([]);
});

test("the hook also gives up on a daemon that accepts and never answers", async () => {
  await using box = await makeSandbox();
  await box.install();
  const held: Socket[] = [];
  const server = createServer((socket) => held.push(socket));
  await new Promise<void>((resolve) =>
    server.listen(join(box.root, ".ikigai/daemon.sock"), resolve),
  );
  expect((await box.run("git", ["worktree", "add", "--quiet", "../one"])).exitCode).toBe(0);
  expect(processesIn(box.base)).toEqual([]);
  expect(held).toHaveLength(1);
  for (const socket of held) socket.destroy();
  await new Promise((resolve) => server.close(resolve));
});

/** Lists processes whose working directory is below a directory. */
function processesIn(directory: string): string[] {
  return readdirSync("/proc").filter((pid) => {
    try {
      return readlinkSync(`/proc/${pid}/cwd`).startsWith(directory);
    } catch {
      return false;
    }
  });
}

test("the caller's lock is free as soon as git returns", async () => {
  await using box = await makeSandbox();
  await box.install();
  await using heard = await listen(box.root, { hang: true });
  const script =
    "exec 9>../lock; flock 9; git worktree add --quiet ../one; exec 9>&-; flock --nonblock ../lock true";
  expect((await box.run("sh", ["-c", script])).exitCode).toBe(0);
  expect(heard.callers).toHaveLength(1);
});

test("no descriptor and no variable of git's reaches what the hook starts", async () => {
  await using box = await makeSandbox();
  await box.install();
  await using heard = await listen(box.root, { hang: true });
  const script = "exec 3>../a 9>../b; git -c some.thing=1 switch --quiet --create other";
  const env = {
    GIT_CONFIG_COUNT: "1",
    GIT_CONFIG_KEY_0: "a.b",
    GIT_CONFIG_VALUE_0: "c",
    GIT_PREFIX: "x/",
  };
  await box.run("sh", ["-c", script], {
    env: { ...env, GIT_DIR: box.commonDir, GIT_WORK_TREE: box.main },
  });
  const [caller] = heard.callers;
  expect(heard.callers).toHaveLength(1);
  expect(caller?.standard).toEqual(["/dev/null", "/dev/null", "/dev/null"]);
  expect(caller?.descriptors.filter((target) => target.startsWith(box.base))).toEqual([]);
  const local = (await box.git(box.main, "rev-parse", "--local-env-vars")).split("\n");
  const names = caller?.environment.map((variable) => variable.split("=")[0] ?? "") ?? [];
  expect(names).toContain("PATH");
  expect(names.filter((name) => local.includes(name) || name.startsWith("GIT_CONFIG_KEY"))).toEqual(
    [],
  );
});

test("an earlier hook gets what git passes", async () => {
  await using box = await makeSandbox();
  const hook = join(box.commonDir, "hooks/post-checkout");
  await write(
    hook,
    `#!/bin/sh -eu\n{ echo "$0 $* $?"; pwd; env | grep ^GIT_ | sort; } >"$OUT"\n`,
    0o755,
  );
  const env = { OUT: join(box.base, "out") };
  const runs = async () => {
    await box.run("git", ["-c", "some.thing=1", "checkout", "--quiet", "main"], { env });
    return (await box.run("cat", [env.OUT])).stdout;
  };
  const before = await runs();
  await box.install();
  await using heard = await listen(box.root);
  expect(await runs()).toBe(before);
  expect(heard.told).toEqual([box.commonDir]);
});

test.each([
  ["a space and quotes", `it's "a" name`],
  ["a command", "$(touch pwned);`touch pwned`"],
  ["a line feed", "two\nlines"],
  ["a line feed at its end", "end\n\n"],
  ["a leading at sign", "@etc@passwd"],
  ["characters that are not ASCII", "🌱 ünï \u202e"],
  ["braces and a backslash", "{a,b}\\n*?"],
])("a worktree whose name has %s", async (_, name) => {
  await using box = await makeSandbox();
  await box.install();
  await using heard = await listen(box.root);
  const added = join(box.base, name);
  await box.git(box.main, "worktree", "add", "--quiet", "--detach", added);
  const gitDir = readdirSync(join(box.commonDir, "worktrees"))[0] ?? "";
  expect(heard.told.map((body) => Buffer.from(body, "latin1").toString())).toEqual([
    join(box.commonDir, "worktrees", gitDir),
  ]);
  expect(existsSync(join(added, "pwned")) || existsSync(join(box.root, "pwned"))).toBe(false);
});

test("a project below a directory with unusual bytes and a path beyond 108 bytes", async () => {
  await using box = await makeSandbox("bare", `${"long".repeat(30)}/it's\n\u0081 $(x)`);
  await box.install();
  await using heard = await listen(box.root);
  await box.git(box.root, "worktree", "add", "--quiet", "one");
  expect(heard.told.map((body) => Buffer.from(body, "latin1").toString())).toEqual([
    join(box.commonDir, "worktrees/one"),
  ]);
});

test("a worktree whose name is not UTF-8", async () => {
  await using box = await makeSandbox();
  await box.install();
  await using heard = await listen(box.root);
  const script = `git worktree add --quiet --detach "../$(printf 'caf\\351\\201\\210')"`;
  expect((await box.run("sh", ["-c", script])).exitCode).toBe(0);
  const [name] = readdirSync(join(box.commonDir, "worktrees"), { encoding: "latin1" });
  expect(heard.told).toEqual([`${box.commonDir}/worktrees/${name}`]);
});

test("a worktree with relative links, as extensions.relativeWorktrees makes them", async () => {
  await using box = await makeSandbox();
  await box.git(box.main, "worktree", "add", "--quiet", "../one");
  await write(join(box.base, "one/.git"), "gitdir: ../project/.git/worktrees/one\n");
  await box.install();
  await using heard = await listen(box.root);
  await box.git(join(box.base, "one"), "switch", "--quiet", "--create", "two");
  expect(heard.told).toEqual([join(box.commonDir, "worktrees/one")]);
});

test("a submodule that is a project of its own", async () => {
  await using box = await makeSandbox();
  const allowed = ["-c", "protocol.file.allow=always"];
  await box.git(box.base, "init", "--quiet", "super");
  const top = join(box.base, "super");
  await box.git(top, ...allowed, "submodule", "--quiet", "add", box.root, "sub");
  const commonDir = join(top, ".git/modules/sub");
  const sub = join(top, "sub");
  await mkdir(join(sub, ".ikigai"));
  const before = readdirSync(commonDir);
  const repository = { commonDir, worktrees: readWorktrees(commonDir), env: box.env };
  await installHook(repository);
  await using heard = await listen(sub);
  await box.git(sub, "switch", "--quiet", "--create", "other");
  await box.git(sub, "worktree", "add", "--quiet", "../../linked");
  expect(heard.told).toEqual([commonDir, join(commonDir, "worktrees/linked")]);
  await box.git(sub, "worktree", "remove", "../../linked");
  await removeHook(repository);
  expect(readdirSync(commonDir)).toEqual(before);
});

test("a machine without curl", async () => {
  await using box = await makeSandbox();
  await box.install();
  await using heard = await listen(box.root);
  const bin = join(box.base, "bin");
  await mkdir(bin);
  for (const name of ["git", "sh", "env"]) {
    const { stdout } = await box.run("sh", ["-c", `command -v ${name}`]);
    symlinkSync(await realpath(stdout), join(bin, name));
  }
  const ended = await box.run(join(bin, "git"), ["worktree", "add", "--quiet", "../one"], {
    env: { PATH: bin },
  });
  expect(ended).toEqual({ exitCode: 0, stdout: "", stderr: "" });
  expect(heard.told).toEqual([]);
});

test("settings of curl and a proxy do not interfere", async () => {
  await using box = await makeSandbox();
  await box.install();
  await write(
    join(box.env.HOME ?? "", ".curlrc"),
    "fail-early\nurl = http://ikigai.invalid/\nverbose\n",
  );
  await using heard = await listen(box.root);
  const env = { http_proxy: "http://127.0.0.1:9", ALL_PROXY: "http://127.0.0.1:9" };
  const ended = await box.run("git", ["switch", "--quiet", "--create", "two"], { env });
  expect(ended).toEqual({ exitCode: 0, stdout: "", stderr: "" });
  expect(heard.told).toEqual([box.commonDir]);
});

const shells: Readonly<Record<string, readonly string[]>> = {
  dash: ["dash"],
  bash: ["bash", "--posix"],
  busybox: ["busybox", "sh"],
  zsh: ["zsh", "--emulate", "sh"],
  mksh: ["mksh"],
};
const installed = (process.env.PATH ?? "").split(":");

for (const [name, command] of Object.entries(shells)) {
  const missing = !installed.some((directory) => existsSync(join(directory, name)));
  test.skipIf(missing)(
    `the hook runs under ${name} (skipped where it is not installed)`,
    async () => {
      await using box = await makeSandbox();
      await box.install();
      await using heard = await listen(box.root);
      const body = scriptOf(box);
      const [program = name, ...options] = command;
      const ended = await box.run(program, [...options, body, "0", "1", "1"]);
      expect(ended).toEqual({ exitCode: 0, stdout: "", stderr: "" });
      expect(heard.told).toEqual([box.commonDir]);
    },
  );
}

test("a directory of another project above is not mistaken for this one's", async () => {
  await using box = await makeSandbox();
  await box.install();
  await rm(join(box.root, ".ikigai"), { recursive: true });
  await mkdir(join(box.root, ".ikigai"));
  await mkdir(join(box.base, ".ikigai"));
  await using heard = await listen(box.base);
  await box.git(box.main, "switch", "--quiet", "--create", "other");
  expect(heard.told).toEqual([]);
});
