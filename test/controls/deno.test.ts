import { existsSync, readdirSync, readFileSync, renameSync, rmSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { execa } from "execa";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { processesOf } from "../../scripts/processes.js";
import { accounts, identityOf } from "../support/as-user.ts";
import { waitFor } from "../support/wait.ts";
import { type Controls, makeControls } from "./support.ts";

describe.each(accounts())("deno as $name", (account) => {
  let controls: Controls;
  beforeAll(async () => {
    controls = await makeControls({ account, name: "a 'project'" });
  });
  afterAll(() => controls.dispose());

  test("killed while it installs leaves no half install", async () => {
    const start = execa(join(controls.layout.bin, "deno"), ["--version"], {
      ...identityOf(account),
      env: controls.env,
      extendEnv: false,
      reject: false,
      stdio: "ignore",
    });
    const found = await waitFor(async () => {
      const all = await processesOf([controls.layout.ikigai]);
      return all.some(({ title }) => title.includes("npm")) ? all : undefined;
    });
    for (const { pid } of found) process.kill(pid, "SIGKILL");
    await start;
    expect(existsSync(join(controls.layout.deno, "2.9.6"))).toBe(false);
  });

  test("started ten times at once installs once, and reports that on stderr only", async () => {
    const outcomes = await Promise.all(
      Array.from({ length: 10 }, (_, n) =>
        controls.run("deno", ["eval", `console.log(${n})`], { timeout: 170_000 }),
      ),
    );
    expect(outcomes.map(({ exitCode, stdout }) => [exitCode, stdout])).toEqual(
      outcomes.map((_, n) => [0, String(n)]),
    );
    const said = outcomes.filter(({ stderr }) => stderr.includes("installing Deno 2.9.6"));
    expect(said).toHaveLength(1);
    expect(readdirSync(controls.layout.deno)).toEqual(["2.9.6"]);
  }, 180_000);

  test("is Deno itself afterwards, without a wrapper between", async () => {
    const outcome = await controls.run("deno", ["eval", "console.log(Deno.execPath())"]);
    expect(outcome.stdout).toMatch(/\/\.ikigai\/deno\/2\.9\.6\/node_modules\/@deno\/[^/]+\/deno$/);
    expect(outcome.stderr).toBe("");
  });

  test("uses a Deno on PATH where npm has none, or says what to do", async () => {
    const { layout } = controls;
    const [platform = ""] = readdirSync(join(layout.deno, "2.9.6/node_modules/@deno"));
    const packages = join(layout.deno, "2.9.6/node_modules/@deno");
    renameSync(join(packages, platform), join(layout.deno, "aside"));
    const nothing = await controls.run("deno", ["--version"], { env: { PATH: "/usr/bin:/bin" } });
    expect(nothing.exitCode).toBe(1);
    expect(nothing.stderr).toMatch(
      /npm has no Deno for \S+ on \S+, and there is none on PATH\n {2}next: /,
    );

    const place = join(layout.root, "own bin");
    await execa("mkdir", [place]);
    writeFileSync(join(place, "deno"), "#!/bin/sh\necho own\n", { mode: 0o755 });
    const own = await controls.run("deno", [], {
      env: { PATH: `${layout.bin}:${place}:/usr/bin:/bin` },
    });
    expect(own).toEqual({ exitCode: 0, stdout: "own", stderr: "" });
    renameSync(join(layout.deno, "aside"), join(packages, platform));
  });

  test("says what to do when npm cannot install it", async () => {
    const { settings, deno } = controls.layout;
    const before = readFileSync(settings, "utf8");
    writeFileSync(settings, before.replace("'2.9.6'", "'0.0.1-none'"));
    const outcome = await controls.run("deno", ["--version"]);
    writeFileSync(settings, before);
    expect(outcome.exitCode).toBe(1);
    expect(outcome.stderr).toMatch(/npm could not install deno@0\.0\.1-none.*\n {2}next: /);
    expect(readdirSync(deno)).toEqual(["2.9.6"]);
    rmSync(join(deno, ".new"), { force: true });
  });
});
