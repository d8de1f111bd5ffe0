import { spawn, spawnSync } from "node:child_process";
import { once } from "node:events";
import { existsSync, mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import net from "node:net";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { expect, onTestFinished, test } from "vitest";
import { reservePort } from "../support/ports.ts";
import { makeProject } from "../support/project.ts";
import { waitFor } from "../support/wait.ts";
import { makePatient } from "./support/patient.ts";
import { tell } from "./support/table.ts";

test.each(["http", "postgres"] as const)(
  "a taken %s port is reported with its process",
  async (which) => {
    const taken = await reservePort();
    const server = net.createServer().listen(taken.port, "127.0.0.1");
    await once(server, "listening");
    await using project = await makeProject({ config: { [which]: { port: taken.port } } });
    const refused = await project.ikigai("start");
    expect(refused.exitCode).toBe(1);
    expect(refused.stderr).toContain(String(taken.port));
    expect(refused.stderr).toContain(String(process.pid));
    server.close();
    await once(server, "close");
    const begin = performance.now();
    const started = await project.ikigai("start");
    expect(started.exitCode, started.stderr).toBe(0);
    tell({ fault: `the ${which} port is taken, then free`, recovery: performance.now() - begin });
    taken.release();
  },
);

test("a daemon that runs out of descriptors survives, and recovers when some are free", async () => {
  await using patient = await makePatient();
  const [daemon] = patient.cast().daemon;
  const soft = /Max open files +([0-9]+)/.exec(
    readFileSync(`/proc/${daemon?.pid}/limits`, "utf8"),
  )?.[1];
  const limit = (n: string) =>
    spawnSync("prlimit", ["--pid", String(daemon?.pid), `--nofile=${n}`]);
  expect(limit("24:").status).toBe(0);
  const held = Array.from({ length: 30 }, () =>
    net.connect(join(patient.project.root, ".ikigai/daemon.sock")).on("error", () => {}),
  );
  const { project } = patient;
  await project.git(".", "worktree", "add", "-q", "-b", "short", project.worktree("short"), "main");
  const log = join(project.root, ".ikigai/logs/daemon/current");
  await waitFor(() => /tried again: .*EMFILE/.test(readFileSync(log, "utf8")));
  for (const socket of held) socket.destroy();
  limit(`${soft}:`);
  const begin = performance.now();
  patient.worktrees.add("short");
  await patient.recovers(70_000);
  expect(patient.cast().daemon.map(({ pid }) => pid)).toEqual([daemon?.pid]);
  tell({ fault: "no descriptors for the daemon", recovery: performance.now() - begin });
});

const strace = spawnSync("strace", ["-e", "trace=none", "true"]).status === 0;

test.skipIf(!strace)("without inotify the daemon reports that, and still follows git", async () => {
  const directory = mkdtempSync(join(tmpdir(), "iki-node-"));
  onTestFinished(() => rmSync(directory, { recursive: true, force: true }));
  const node = join(directory, "node");
  writeFileSync(
    node,
    `#!/bin/sh
case $* in
*"/daemon.js "*) exec strace -o /dev/null -e trace=inotify_init1 -e inject=inotify_init1:error=EMFILE ${process.execPath} "$@" ;;
*) exec ${process.execPath} "$@" ;;
esac
`,
    { mode: 0o755 },
  );
  await using project = await makeProject({ config: { programs: { node } } });
  const started = await project.ikigai("start");
  expect(started.exitCode, started.stderr).toBe(0);
  const log = join(project.root, ".ikigai/logs/daemon/current");
  await waitFor(() => readFileSync(log, "utf8").includes("degraded: configuration files"));
  expect((await project.ikigai("status")).stdout).toMatch(/degraded: .*git's files .*EMFILE/);
  const begin = performance.now();
  await project.run("git", [
    "worktree",
    "add",
    "-q",
    "--no-checkout",
    "-b",
    "quiet",
    "quiet",
    "main",
  ]);
  await waitFor(() => existsSync(join(project.root, ".ikigai/run/env/quiet.sh")));
  const ports = { http: { port: project.httpPort }, postgres: { port: project.postgresPort } };
  const settings = { ...ports, programs: { node }, services: { backend: { start: "manual" } } };
  writeFileSync(join(project.root, ".ikigairc.json"), JSON.stringify(settings));
  await waitFor(async () =>
    (await project.ikigai("wt", "show", "main", "--json")).stdout.includes('"manual"'),
  );
  tell({ fault: "no inotify, and no hook", recovery: performance.now() - begin, note: "degraded" });
});

test("a read-only .ikigai is reported, not worked around", async () => {
  await using project = await makeProject();
  expect((await project.ikigai("start")).exitCode).toBe(0);
  expect((await project.ikigai("stop")).exitCode).toBe(0);
  const path = join(project.root, ".ikigai");
  const sealed =
    spawnSync("mount", ["--bind", path, path]).status === 0 &&
    spawnSync("mount", ["-o", "remount,ro,bind", path]).status === 0;
  if (!sealed) {
    tell({ fault: "a read-only .ikigai", note: "skipped: only root may mount" });
    return;
  }
  try {
    const refused = await project.ikigai("start");
    expect(refused.exitCode).toBe(1);
    expect(refused.stderr).toMatch(/read-only/i);
    expect(refused.stderr).not.toContain("    at ");
  } finally {
    spawnSync("umount", [path]);
  }
  const begin = performance.now();
  expect((await project.ikigai("start")).exitCode).toBe(0);
  tell({ fault: "a read-only .ikigai, then writable", recovery: performance.now() - begin });
});

test("a second daemon does not run beside the first", async () => {
  await using patient = await makePatient();
  const { project } = patient;
  const run = join(project.root, ".ikigai/sv/daemon");
  mkdirSync(join(project.home, "x"), { recursive: true });
  const second = spawn(join(run, "run"), [], { cwd: run, env: project.env, stdio: "ignore" });
  const begin = performance.now();
  await waitFor(
    () =>
      second.exitCode !== null || second.signalCode !== null || patient.cast().daemon.length === 2,
  );
  second.kill("SIGTERM");
  await patient.recovers(30_000);
  tell({ fault: "a second daemon by hand", recovery: performance.now() - begin });
});
