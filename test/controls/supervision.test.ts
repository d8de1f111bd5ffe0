import { readFileSync } from "node:fs";
import { join } from "node:path";
import { afterEach, beforeEach, describe, expect, test } from "vitest";
import { accounts } from "../support/as-user.ts";
import { waitFor } from "../support/wait.ts";
import { crash, did, keeperOf, one } from "./supervised.ts";
import { type Controls, makeControls } from "./support.ts";

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
});
