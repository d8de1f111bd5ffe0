import { existsSync, readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { afterEach, beforeEach, describe, expect, test } from "vitest";
import { accounts } from "../support/as-user.ts";
import { waitFor } from "../support/wait.ts";
import { type Controls, makeControls } from "./support.ts";

/** Processes that look after one service: `runsv NAME`. */
async function keeperOf(controls: Controls, service: string): Promise<number> {
  const line = (await controls.everything(0)).find((title) => title.endsWith(` runsv ${service}`));
  return Number(line?.split(" ")[0]);
}

async function one(controls: Controls, name: "nginx" | "postgres" | "runsvdir"): Promise<number> {
  return waitFor(async () => {
    const pids = (await controls.running())[name];
    expect(pids.length).toBeLessThan(2);
    return pids[0];
  });
}

/** Ends processes by force and waits until the kernel has done so. */
async function crash(controls: Controls, ...pids: number[]): Promise<void> {
  for (const pid of pids) process.kill(pid, "SIGKILL");
  await waitFor(async () => {
    const alive = (await controls.everything(0)).map((title) => Number(title.split(" ")[0]));
    return pids.every((pid) => !alive.includes(pid));
  });
}

async function did(controls: Controls, line: string): Promise<void> {
  const [control = "", ...args] = line.split(" ");
  expect({ line, ...(await controls.run(control, args)) }).toMatchObject({ exitCode: 0 });
}

const servers = [
  { name: "nginx", control: "nginx" },
  { name: "postgres", control: "pg_ctl" },
] as const;

describe.each(accounts())("as $name", (account) => {
  let controls: Controls;
  beforeEach(async () => {
    controls = await makeControls({ account });
  });
  afterEach(() => controls.dispose());

  describe.each(servers)("$name", ({ name, control }) => {
    test("comes back after a crash when it is wanted", async () => {
      await did(controls, "runsvdir start");
      await did(controls, `${control} start`);
      const before = await one(controls, name);
      await crash(controls, before);
      await waitFor(async () => {
        const pid = (await controls.running())[name][0];
        return pid !== before && (await controls.run(control, ["status"])).exitCode === 0 && pid;
      });
    });

    test("started by hand is adopted, not doubled, and replaced when it ends", async () => {
      await did(controls, "runsvdir start");
      await did(controls, `${control} start`);
      await did(controls, "runsvdir stop");
      await did(controls, `${control} start`);
      const byHand = await one(controls, name);
      await did(controls, "runsvdir start");
      const log = join(controls.layout.logs, `${name}.log`);
      await waitFor(() => readFileSync(log, "utf8").includes(`already running (pid ${byHand})`));
      expect(await one(controls, name)).toBe(byHand);
      expect(readFileSync(join(controls.layout.sv, name, "supervise/stat"), "utf8")).toBe("run\n");

      await crash(controls, byHand);
      await waitFor(async () => (await one(controls, name)) !== byHand);
    });

    test("adopted, ends with sv down", async () => {
      await did(controls, "runsvdir start");
      await did(controls, `${control} start`);
      await did(controls, "runsvdir stop");
      await did(controls, `${control} start`);
      await did(controls, "runsvdir start");
      const log = join(controls.layout.logs, `${name}.log`);
      await waitFor(() => readFileSync(log, "utf8").includes("already running (pid"));
      await did(controls, `sv stop ${name}`);
      expect((await controls.running())[name]).toEqual([]);
    });

    test("keeps running when its runsv is killed, under the next one", async () => {
      await did(controls, "runsvdir start");
      await did(controls, `${control} start`);
      const before = await one(controls, name);
      await crash(controls, await keeperOf(controls, name));
      await waitFor(async () => (await keeperOf(controls, name)) > 0);
      expect(await one(controls, name)).toBe(before);
      await did(controls, `${control} stop`);
      expect((await controls.running())[name]).toEqual([]);
    });
  });

  test.each(["stop", "quit"])("nginx -s %s means that it stays away", async (word) => {
    await did(controls, "runsvdir start");
    await did(controls, "nginx start");
    await did(controls, `nginx -s ${word}`);
    await waitFor(async () => (await controls.running()).nginx.length === 0);
    await did(controls, "runsvdir restart");
    expect(await controls.run("nginx", ["status"])).toMatchObject({ exitCode: 3 });
    await did(controls, `nginx -s ${word}`);
  });

  test("runsvdir stop leaves nothing, also of services whose runsv was killed", async () => {
    await did(controls, "runsvdir start");
    await did(controls, "nginx start");
    await did(controls, "pg_ctl start");
    const keepers = await Promise.all(
      ["nginx", "postgres", "daemon"].map((service) => keeperOf(controls, service)),
    );
    await crash(controls, await one(controls, "runsvdir"), ...keepers);
    await did(controls, "runsvdir stop");
    expect(await controls.everything()).toEqual([]);
  });

  test("runsvdir comes back beside the runsv that a killed one left", async () => {
    await did(controls, "runsvdir start");
    await did(controls, "nginx start");
    await crash(controls, await one(controls, "runsvdir"));
    await did(controls, "runsvdir start");
    await one(controls, "runsvdir");
    await one(controls, "nginx");
    const keepers = (await controls.everything(0)).filter((title) =>
      title.endsWith(" runsv nginx"),
    );
    expect(keepers).toHaveLength(1);
  });

  test("the daemon comes back after a crash, and after its runsv was killed", async () => {
    await did(controls, "runsvdir start");
    const daemon = async () => {
      const lines = (await controls.everything(0)).filter((title) => title.includes("/daemon.js "));
      expect(lines.length).toBeLessThan(2);
      return Number(lines[0]?.split(" ")[0] ?? 0);
    };
    const first = await daemon();
    await crash(controls, first);
    await waitFor(async () => ![0, first].includes(await daemon()));
    const second = await daemon();
    await crash(controls, await keeperOf(controls, "daemon"));
    const third = await waitFor(async () => ![0, second].includes(await daemon()) && daemon());
    expect(third).not.toBe(second);
    await waitFor(() => existsSync(controls.layout.daemonSocket));
    const log = readFileSync(join(controls.layout.logs, "daemon/current"), "utf8");
    expect(log).toContain(`listening for ${controls.layout.root}`);
  });
});

test("runsvdir start brings up a daemon that was put down alone", async () => {
  await using controls = await makeControls();
  await did(controls, "runsvdir start");
  await did(controls, "sv stop daemon");
  await did(controls, "runsvdir start");
  expect(readFileSync(join(controls.layout.sv, "daemon/supervise/stat"), "utf8")).toBe("run\n");
});

test("without its program the daemon fails with a reason, and runsvdir start says so", async () => {
  await using controls = await makeControls();
  const settings = readFileSync(controls.layout.settings, "utf8");
  const gone = settings.replace(/^IKIGAI_DAEMON=.*$/m, "IKIGAI_DAEMON='/nowhere/daemon.js'");
  writeFileSync(controls.layout.settings, gone);
  const outcome = await controls.run("runsvdir", ["start"]);
  expect(outcome.exitCode).toBe(1);
  expect(outcome.stderr).toMatch(/\/nowhere\/daemon\.js is gone\n {2}next: .*ikigai init/);
  await waitFor(() =>
    readFileSync(join(controls.layout.logs, "daemon/current"), "utf8").includes("is gone"),
  );
});
