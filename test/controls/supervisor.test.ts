import { existsSync, readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { afterEach, beforeEach, describe, expect, test } from "vitest";
import { accounts } from "../support/as-user.ts";
import { waitFor } from "../support/wait.ts";
import { crash, did, keeperOf, one } from "./supervised.ts";
import { type Controls, makeControls } from "./support.ts";

describe.each(accounts())("as $name", (account) => {
  let controls: Controls;
  beforeEach(async () => {
    controls = await makeControls({ account });
  });
  afterEach(() => controls.dispose());

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
