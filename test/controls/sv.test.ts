import { mkdirSync, renameSync, symlinkSync, writeFileSync } from "node:fs";
import { dirname, join } from "node:path";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { type Controls, makeControls } from "./support.ts";

describe("sv", () => {
  let controls: Controls;
  beforeAll(async () => {
    controls = await makeControls({ name: "a 'project'" });
    await controls.run("runsvdir", ["start"]);
    await controls.run("nginx", ["start"]);
  });
  afterAll(() => controls.dispose());

  test.each(["nginx", ".ikigai/sv/nginx", "./.ikigai/sv/nginx/", ".ikigai/sv/nginx/"])(
    "knows %s from the project's root",
    async (name) => {
      const outcome = await controls.run("sv", ["status", name]);
      expect(outcome.exitCode).toBe(0);
      expect(outcome.stdout).toMatch(/^run: .*nginx/);
    },
  );

  test("knows an absolute path, and .ikigai/sv/NAME from a worktree", async () => {
    const cwd = join(controls.layout.root, "main");
    mkdirSync(cwd);
    const outcome = await controls.run("sv", ["status", join(controls.layout.sv, "nginx")], {
      cwd,
    });
    expect(outcome).toMatchObject({ exitCode: 0 });
    const relative = await controls.run("sv", ["status", ".ikigai/sv/nginx"], { cwd });
    expect(relative.stdout).toMatch(/^run: /);
  });

  test("answers for several services at once, with and without a service directory", async () => {
    const outcome = await controls.run("sv", ["status", "nginx", "idle.api", "daemon"]);
    expect(outcome.exitCode).toBe(0);
    expect(outcome.stdout).toMatch(/^status: idle\.api: idle\nrun: nginx: .*\nrun: daemon: /);
  });

  test("asks the daemon for a service without a service directory, by path too", async () => {
    const outcome = await controls.run("sv", ["start", ".ikigai/sv/idle.api"]);
    expect(outcome).toEqual({ exitCode: 0, stdout: "start: idle.api: idle", stderr: "" });
  });

  test("passes on a refusal", async () => {
    const outcome = await controls.run("sv", ["start", "nope"]);
    expect(outcome).toEqual({ exitCode: 1, stdout: "there is no service nope", stderr: "" });
  });

  test("shows its usage", async () => {
    const outcome = await controls.run("sv");
    expect(outcome.exitCode).toBe(2);
    expect(outcome.stderr).toContain("usage: sv");
  });
});

test("without a daemon sv answers by itself", async () => {
  await using controls = await makeControls();
  const outcome = await controls.run("sv", ["status", "nope"]);
  expect(outcome.exitCode).toBeGreaterThan(0);
  expect(outcome.stdout).toContain("nope: unable to change to service directory");
});

test("a moved project works from where it is, called through a link as well", async () => {
  await using controls = await makeControls({ daemon: false });
  const { root } = controls.layout;
  const moved = join(dirname(root), "moved to $HOME");
  await controls.run("pg_ctl", ["start"]);
  await controls.run("pg_ctl", ["stop"]);
  renameSync(root, moved);
  const link = join(dirname(root), "link");
  symlinkSync(join(moved, ".ikigai/bin/pg_ctl"), link);
  const at = { cwd: "/" };
  expect(await controls.run(link, ["start"], at)).toMatchObject({ exitCode: 0, stderr: "" });
  for (const action of ["start", "status", "stop"]) {
    const outcome = await controls.run(join(moved, ".ikigai/bin/runsvdir"), [action], at);
    expect(outcome).toMatchObject({ exitCode: 0, stderr: "" });
  }
  const psql = await controls.run(join(moved, ".ikigai/bin/psql"), ["-Atc", "select 1"], at);
  expect(psql.stdout).toBe("1");
  expect(await controls.run(link, ["stop"], at)).toMatchObject({ exitCode: 0 });
  renameSync(moved, root);
});

test("ikigai runs this project's, then another one on PATH, then says what to do", async () => {
  await using controls = await makeControls();
  const base = dirname(controls.layout.root);
  const gone = await controls.run("ikigai", ["status"]);
  expect(gone.exitCode).toBe(1);
  expect(gone.stderr).toMatch(/cli\.cjs is gone, and there is no other ikigai on PATH\n {2}next: /);

  const place = join(base, "elsewhere");
  mkdirSync(place);
  writeFileSync(join(place, "ikigai"), '#!/bin/sh\necho "another $*"\n', { mode: 0o755 });
  const env = { PATH: `${controls.layout.bin}:${place}:/usr/bin:/bin` };
  expect((await controls.run("ikigai", ["status"], { env })).stdout).toBe("another status");

  writeFileSync(join(base, "cli.cjs"), "console.log(process.argv.slice(2).join())");
  expect((await controls.run("ikigai", ["wt", "list"], { env })).stdout).toBe("wt,list");
});

test("without settings every control says what to do", async () => {
  await using controls = await makeControls();
  renameSync(controls.layout.settings, `${controls.layout.settings}.aside`);
  for (const control of ["nginx", "pg_ctl", "runsvdir", "sv", "psql", "deno", "ikigai"]) {
    const outcome = await controls.run(control, ["start"]);
    expect(outcome.exitCode).toBe(1);
    expect(outcome.stderr).toContain("next: ikigai init");
  }
  renameSync(`${controls.layout.settings}.aside`, controls.layout.settings);
});
