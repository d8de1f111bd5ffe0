import { type ChildProcess, spawn } from "node:child_process";
import {
  closeSync,
  constants,
  existsSync,
  openSync,
  readdirSync,
  readFileSync,
  readlinkSync,
  renameSync,
  rmSync,
  writeFileSync,
  writeSync,
} from "node:fs";
import { join } from "node:path";
import { expect, test } from "vitest";
import { HookPipes } from "../../src/host/git/hook/fifo-server.ts";
import { layoutOf } from "../../src/model/layout.ts";
import { waitFor } from "../support/wait.ts";
import { listen, makeSandbox, type Sandbox, scriptOf } from "./support.ts";

/** A repository with the hook, pipes, and a socket that should get no request. */
async function withPipes(
  told: (gitDir: string) => Promise<unknown> = async () => {},
  name = "project",
) {
  const box = await makeSandbox("clone", name);
  await box.install();
  const heard = await listen(box.root);
  const pipes = new HookPipes(layoutOf(box.root), (gitDir) => told(gitDir.toString("latin1")));
  await pipes.begin();
  return {
    ...{ box, heard, directory: join(box.root, ".ikigai/run/hook") },
    async [Symbol.asyncDispose]() {
      pipes.end();
      await heard[Symbol.asyncDispose]();
      await box[Symbol.asyncDispose]();
    },
  };
}

const never = () => new Promise(() => {});
const QUIET = { exitCode: 0, stdout: "", stderr: "" };
const run = (box: Sandbox, name: string) =>
  box.run("git", ["worktree", "add", "--quiet", "--detach", `../${name}`]);
const gitDirOf = (box: Sandbox, name: string) => join(box.commonDir, "worktrees", name);

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

test("git returns when the daemon has finished, and nothing is left running", async () => {
  const told: string[] = [];
  let done = false;
  await using place = await withPipes(async (gitDir) => {
    told.push(gitDir);
    await new Promise((resolve) => setTimeout(resolve, 50));
    done = true;
  });
  const { box, heard } = place;
  expect(await run(box, "one")).toEqual(QUIET);
  expect(done).toBe(true);
  expect(processesIn(box.base)).toEqual([]);
  expect(told).toEqual([gitDirOf(box, "one")]);
  expect(heard.told).toEqual([]);
});

test("many at once are all reported, once each", async () => {
  const told: string[] = [];
  await using place = await withPipes(async (gitDir) => told.push(gitDir));
  const { box, heard } = place;
  const names = Array.from({ length: 30 }, (_, i) => i);
  const script = `for i in ${names.join(" ")}; do "$0" 0 1 1 & done; wait`;
  expect(await box.run("sh", ["-c", script, scriptOf(box)])).toEqual(QUIET);
  expect(told).toEqual(names.map(() => box.commonDir));
  expect(heard.told).toEqual([]);
});

test("a pipe is free again once its answer cannot reach another hook", async () => {
  await using place = await withPipes();
  const { box, directory } = place;
  const taken = () => readdirSync(directory).filter((name) => name.endsWith(".taken"));
  await run(box, "one");
  expect(taken()).toHaveLength(1);
  await waitFor(() => taken().length === 0);
});

test("the hook gives up on a daemon that never answers, and holds nothing of its caller", async () => {
  let waiting: { argv: string; files: string[]; environment: string }[] = [];
  let base = "";
  await using place = await withPipes(async () => {
    await waitFor(() => processesIn(base).some((pid) => argvOf(pid).startsWith("sleep")));
    waiting = processesIn(base).map((pid) => ({
      argv: argvOf(pid),
      files: readdirSync(`/proc/${pid}/fd`).map((fd) => readlinkSync(`/proc/${pid}/fd/${fd}`)),
      environment: readFileSync(`/proc/${pid}/environ`, "latin1"),
    }));
    await never();
  });
  const { box } = place;
  base = box.root;
  const script = "exec 3>../a 9>../b; git -c some.thing=1 worktree add ../one 2>&1 | cat";
  expect((await box.run("sh", ["-c", script])).exitCode).toBe(0);
  expect(processesIn(join(box.root, ".ikigai"))).toEqual([]);
  const [sleep] = waiting.filter(({ argv }) => argv.startsWith("sleep"));
  expect(sleep?.files.filter((file) => file.startsWith(box.base))).toEqual([
    expect.stringMatching(/run\/hook\/\d+$/),
  ]);
  expect(sleep?.environment).not.toMatch(/(^|\0)GIT_(DIR|CONFIG_PARAMETERS)=/);
});

function argvOf(pid: string): string {
  try {
    return readFileSync(`/proc/${pid}/cmdline`, "latin1").replaceAll("\0", " ");
  } catch {
    return "";
  }
}

/** Another process that has the request pipe open, like a daemon that reads nothing. */
async function silentHolder(directory: string): Promise<ChildProcess> {
  const script = `const { openSync, writeFileSync, renameSync } = require("node:fs");
    const fd = openSync("requests", "r+");
    writeFileSync("new", process.pid + " " + fd + "\\n");
    renameSync("new", "daemon");
    console.log("ready");
    setInterval(() => {}, 1000);`;
  const child = spawn(process.execPath, ["-e", script], {
    cwd: directory,
    stdio: ["ignore", "pipe", "inherit"],
  });
  await new Promise((resolve) => child.stdout?.once("data", resolve));
  return child;
}

test("a stopped daemon delays no hook for long, however many there are", async () => {
  await using place = await withPipes();
  const { box, directory, heard } = place;
  // Only the stopped process has the request pipe open.
  rmSync(join(directory, "requests"));
  expect((await box.run("mkfifo", [join(directory, "requests")])).exitCode).toBe(0);
  const silent = await silentHolder(directory);
  silent.kill("SIGSTOP");
  // The last ones find no free pipe.
  const script = `for i in 1 2 3 4 5 6 7 8; do for j in 1 2 3 4 5; do "$0" 0 1 1 & done; wait; done`;
  const hook = scriptOf(box);
  expect(await box.run("sh", ["-c", script, hook])).toEqual(QUIET);
  expect(readdirSync(directory).filter((name) => name.endsWith(".taken"))).toHaveLength(32);
  expect(heard.told.length).toBeGreaterThan(0);
  silent.kill("SIGKILL");
});

test("a killed daemon's pipes are not used, even if another process has its pid", async () => {
  await using place = await withPipes();
  const { box, directory, heard } = place;
  const gone = spawn("true");
  await new Promise((resolve) => gone.once("close", resolve));
  for (const claim of [`${gone.pid} 3`, `${process.pid} 0`, "", "no number"]) {
    writeFileSync(join(directory, "daemon"), `${claim}\n`);
    expect(await box.run("git", ["switch", "--quiet", "--detach", "main"])).toEqual(QUIET);
  }
  expect(heard.told).toEqual(Array.from({ length: 4 }, () => box.commonDir));
  expect(existsSync(join(directory, "0.taken"))).toBe(false);
});

test.each([
  ["of two lines", "two\nlines"],
  ["that is long", "long".repeat(50)],
])("a path %s is said at the socket", async (_, name) => {
  const told: string[] = [];
  await using place = await withPipes(async (gitDir) => told.push(gitDir), name);
  const { box, heard } = place;
  expect(await run(box, "one")).toEqual(QUIET);
  expect(heard.told).toEqual([gitDirOf(box, "one")]);
  expect(told).toEqual([]);
});

test("pipes that vanish while the hook runs do not fail the command", async () => {
  await using place = await withPipes();
  const { box, directory } = place;
  for (let i = 0; i < 32; i++) rmSync(join(directory, `${i}`));
  expect(await run(box, "one")).toEqual(QUIET);
  renameSync(directory, `${directory}-away`);
  expect(await run(box, "two")).toEqual(QUIET);
  renameSync(`${directory}-away`, directory);
});

const shells: Readonly<Record<string, readonly string[]>> = {
  dash: [],
  bash: ["--posix"],
  zsh: ["--emulate", "sh"],
  busybox: ["sh"],
};
const installed = (process.env.PATH ?? "").split(":");

for (const [name, options] of Object.entries(shells)) {
  const missing = !installed.some((directory) => existsSync(join(directory, name)));
  test.skipIf(missing)(`they work under ${name} (skipped where it is not installed)`, async () => {
    const told: string[] = [];
    await using place = await withPipes(async (gitDir) => told.push(gitDir));
    const { box } = place;
    const body = scriptOf(box);
    expect(await box.run(name, [...options, body, "0", "1", "1"])).toEqual(QUIET);
    expect(told).toEqual([box.commonDir]);
  });
}

test("an answer that cannot be written leaves nothing open", async () => {
  await using place = await withPipes();
  const pipe = openSync(`${place.directory}/3`, constants.O_RDWR | constants.O_NONBLOCK);
  try {
    // A process reads there, and there is no room.
    expect(() => {
      for (;;) writeSync(pipe, Buffer.alloc(4096));
    }).toThrow("EAGAIN");
    const open = () => readdirSync("/proc/self/fd").length;
    const before = open();
    for (let times = 0; times < 5; times++) {
      writeFileSync(`${place.directory}/3.taken`, "");
      writeFileSync(`${place.directory}/requests`, "3 123 /nowhere\n", { flag: "r+" });
      await waitFor(() => !existsSync(`${place.directory}/3.taken`));
    }
    expect(open()).toBeLessThan(before + 5);
  } finally {
    closeSync(pipe);
  }
});
