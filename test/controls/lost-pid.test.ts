import { spawn } from "node:child_process";
import { existsSync, readFileSync, rmSync } from "node:fs";
import { join } from "node:path";
import { afterEach, beforeEach, describe, expect, test } from "vitest";
import { accounts, identityOf } from "../support/as-user.ts";
import { waitFor } from "../support/wait.ts";
import { type Controls, makeControls } from "./support.ts";

let controls: Controls;

async function did(line: string): Promise<string> {
  const [control = "", ...args] = line.split(" ");
  const outcome = await controls.run(control, args);
  expect({ line, ...outcome }).toMatchObject({ exitCode: 0 });
  return outcome.stdout;
}

async function one(name: "nginx" | "postgres" | "runsvdir"): Promise<number> {
  const pids = (await controls.running())[name];
  expect(pids).toHaveLength(1);
  return pids[0] ?? 0;
}

/** Reads a pid from a file; 0 where there is none. */
function pidIn(file: string): number {
  return existsSync(file) ? Number(readFileSync(file, "utf8").split("\n")[0]) : 0;
}

const linesWith = async (text: string) =>
  (await controls.everything(0)).filter((title) => title.includes(text));

/** Lists the daemon's processes, and those about to exec it. */
const daemons = async () =>
  (await linesWith("/daemon.js ")).map((title) => Number(title.split(" ")[0]));

describe.each(accounts())("as $name", (account) => {
  beforeEach(async () => {
    controls = await makeControls({ account });
  });
  afterEach(() => controls.dispose());

  test("a runsvdir without its pid file is found, and the file is written again", async () => {
    await did("runsvdir start");
    const before = await one("runsvdir");
    const file = join(controls.layout.run, "runsvdir.pid");
    rmSync(file);
    expect(await did("runsvdir start")).toBe(`runsvdir: already running (pid ${before})`);
    expect(pidIn(file)).toBe(before);
    rmSync(file);
    await did("runsvdir stop");
    expect(await controls.everything()).toEqual([]);
  });

  test.each(["by hand", "under runsvdir"])("nginx %s without it can be reloaded", async (how) => {
    if (how !== "by hand") await did("runsvdir start");
    await did("nginx start");
    const before = await one("nginx");
    rmSync(controls.layout.nginxPid);
    expect(await did("nginx start")).toContain(`already running (pid ${before})`);
    expect(pidIn(controls.layout.nginxPid)).toBe(before);
    rmSync(controls.layout.nginxPid);
    await did("nginx -s reload");
    expect(await one("nginx")).toBe(before);
  });

  describe.each(["by hand", "under runsvdir"])("Postgres %s without it", (how) => {
    let file: string;
    beforeEach(async () => {
      if (how !== "by hand") await did("runsvdir start");
      await did("pg_ctl start");
      file = join(controls.layout.db, "postmaster.pid");
      rmSync(file);
    });

    test("is stopped", async () => {
      await did("pg_ctl stop");
      expect((await controls.running()).postgres).toEqual([]);
    });

    test("is started again, with one", async () => {
      const before = await one("postgres");
      await did("pg_ctl start");
      const after = await one("postgres");
      expect(after).not.toBe(before);
      expect(pidIn(file)).toBe(after);
      await did("pg_ctl status");
    });
  });

  test("a daemon without it gives way to the next one when its runsv is killed", async () => {
    await did("runsvdir start");
    const [before = 0] = await daemons();
    const [reconciler] = await linesWith(" runsv daemon");
    rmSync(join(controls.layout.run, "daemon.pid"));
    process.kill(Number(reconciler?.split(" ")[0]), "SIGKILL");
    await waitFor(async () => {
      const now = await daemons();
      return now.length === 1 && now[0] !== before;
    });
  });

  test("daemons that were started by hand give way to the supervised one", async () => {
    const cwd = join(controls.layout.sv, "daemon");
    const byHand = () =>
      spawn(join(cwd, "run"), [], {
        ...{ cwd, env: controls.env, stdio: "ignore" as const, detached: true },
        ...identityOf(account),
      });
    byHand();
    await waitFor(() => existsSync(controls.layout.daemonSocket));
    const before = await daemons();
    await did("runsvdir start");
    const supervised = () => pidIn(join(cwd, "supervise/pid"));
    await waitFor(async () => {
      const now = await daemons();
      return now.length === 1 && now[0] === supervised() && !before.includes(supervised());
    });

    const [kept] = await daemons();
    const refused = byHand();
    expect(await new Promise((resolve) => refused.once("exit", resolve))).toBe(1);
    expect(await daemons()).toEqual([kept]);
  });
});
