import { readFileSync } from "node:fs";
import { mkdtemp, readdir, rm, stat, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { execa } from "execa";
import fc from "fast-check";
import { expect, test } from "vitest";
import { makeDirectories } from "../../src/host/project/directories.ts";
import {
  renderShellSettings,
  type ShellSettings,
  writeShellSettings,
} from "../../src/host/project/shell-settings.ts";
import { layoutOf } from "../../src/model/layout.ts";
import { makeProject } from "../support/project.ts";
import { must } from "../support/running.ts";

const settings: ShellSettings = {
  node: "/usr/bin/node",
  cli: "/opt/it's/cli.js",
  daemon: "",
  nginx: "/usr/sbin/nginx",
  postgresBin: "/usr/lib/postgresql/15/bin",
  runsvdir: "/usr/bin/runsvdir",
  runsv: "/usr/bin/runsv",
  sv: "/usr/bin/sv",
  chpst: "/usr/bin/chpst",
  svlogd: "/usr/bin/svlogd",
  httpPort: 8888,
  postgresPort: 15432,
  postgresUser: "postgres",
  postgresData: "",
  postgresOwner: "/home/dev/.local/state/ikigai/owners/1",
  ownerOverTcp: false,
  path: "/usr/bin:/bin",
  denoVersion: "2.9.6",
};

test("a shell reads back every value unchanged, and runs nothing of it", async () => {
  const text = fc
    .string({ unit: "binary", maxLength: 40 })
    .filter((value) => !value.includes("\0"));
  await fc.assert(
    fc.asyncProperty(text, async (value) => {
      const rendered = renderShellSettings({ ...settings, postgresOwner: value, cli: value });
      const script = `${rendered}\nprintf '%s|%s|' "$IKIGAI_PG_OWNER" "$IKIGAI_CLI"`;
      const { stdout } = await execa("sh", ["-s"], { input: script, stripFinalNewline: false });
      expect(stdout).toBe(`${value}|${value}|`);
    }),
    { numRuns: 40 },
  );
});

test("refuses a value that a shell cannot hold", () => {
  expect(() => renderShellSettings({ ...settings, path: "a\0b" })).toThrow(RangeError);
});

test("are written once, readable for the owner only", async () => {
  const root = await mkdtemp(join(tmpdir(), "iki-"));
  const layout = layoutOf(root);
  makeDirectories(layout, { user: "", data: "" });
  expect(writeShellSettings(layout, settings)).toBe(true);
  expect(writeShellSettings(layout, settings)).toBe(false);
  expect(writeShellSettings(layout, { ...settings, httpPort: 8889 })).toBe(true);
  expect((await stat(layout.settings)).mode & 0o777).toBe(0o600);
  await rm(root, { recursive: true });
});

test("that are damaged, like their baseline, are reported with the command that repairs them", async () => {
  await using project = await makeProject();
  await must(project, "init");
  const { settings: file } = layoutOf(project.root);
  const seals = join(project.home, ".local/state/ikigai/seals");
  const whole = readFileSync(file, "utf8");
  const last = whole.lastIndexOf("IKIGAI_DENO_VERSION");
  const damages = [
    "",
    "if (\n",
    "X='open\n",
    "no words\n",
    whole.slice(0, 150),
    whole.slice(0, last),
  ];
  for (const damaged of damages) {
    for (const seal of await readdir(seals)) await writeFile(join(seals, seal), "junk");
    await writeFile(file, damaged);
    const stopped = await project.ikigai("stop");
    expect(stopped.exitCode).toBe(1);
    expect(stopped.stderr.split("\n").slice(-2)).toEqual([
      `ikigai: ${file} is damaged, so nothing is known about this project`,
      "  next: ikigai init",
    ]);
    // Values of an older file in the environment do not complete it.
    const env = { IKIGAI_DENO_VERSION: "2.9.6" };
    const { exitCode, stderr } = await project.run(".ikigai/bin/nginx", ["status"], { env });
    expect({ exitCode, stderr }).toEqual({
      exitCode: 1,
      stderr: `ikigai: ${file} is damaged, so nothing is known about this project\n  next: ikigai init`,
    });
  }
  await must(project, "init");
  expect(readFileSync(file, "utf8")).toBe(whole);
  await must(project, "stop");
});
