import { mkdtemp, rm, stat } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { execa } from "execa";
import fc from "fast-check";
import { expect, test } from "vitest";
import { renderSettings, type Settings, writeSettings } from "../../src/host/settings.ts";
import { makeSkeleton } from "../../src/host/skeleton.ts";
import { layoutOf } from "../../src/model/layout.ts";

const settings: Settings = {
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
  postgresPassword: "ikigai",
  path: "/usr/bin:/bin",
  denoVersion: "2.9.6",
};

test("a shell reads back every value as it was, and runs nothing of it", async () => {
  const text = fc
    .string({ unit: "binary", maxLength: 40 })
    .filter((value) => !value.includes("\0"));
  await fc.assert(
    fc.asyncProperty(text, async (value) => {
      const rendered = renderSettings({ ...settings, postgresPassword: value, cli: value });
      const script = `${rendered}\nprintf '%s|%s|' "$IKIGAI_PG_PASSWORD" "$IKIGAI_CLI"`;
      const { stdout } = await execa("sh", ["-s"], { input: script, stripFinalNewline: false });
      expect(stdout).toBe(`${value}|${value}|`);
    }),
    { numRuns: 40 },
  );
});

test("refuses a value that no shell can hold", () => {
  expect(() => renderSettings({ ...settings, path: "a\0b" })).toThrow(RangeError);
});

test("are written once, readable for the owner only", async () => {
  const root = await mkdtemp(join(tmpdir(), "iki-"));
  const layout = layoutOf(root);
  makeSkeleton(layout, { user: "", data: "" });
  expect(writeSettings(layout, settings)).toBe(true);
  expect(writeSettings(layout, settings)).toBe(false);
  expect(writeSettings(layout, { ...settings, httpPort: 8889 })).toBe(true);
  expect((await stat(layout.settings)).mode & 0o777).toBe(0o600);
  await rm(root, { recursive: true });
});
