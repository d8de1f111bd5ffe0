import { readFileSync } from "node:fs";
import { join } from "node:path";
import { expect, test } from "vitest";
import {
  configure,
  configuredCommand,
  isConfigured,
  runsConfiguredHooks,
  unconfigure,
} from "../../src/host/git/configured-hook.ts";
import { readHookConfig } from "../../src/host/git/hook-config.ts";
import { makeSandbox, write } from "./support.ts";

test.each([
  ["git version 2.39.5", false],
  ["git version 2.53.9", false],
  ["git version 2.54.0.rc1", true],
  ["git version 2.54.0", true],
  ["git version 2.54.1 (Apple Git-160)", true],
  ["git version 2.100.0.windows.1", true],
  ["git version 3.0.0", true],
  ["git version 1.99.0", false],
  ["something else", false],
])("%s: hooks by configuration are %s", (version, expected) => {
  expect(runsConfiguredHooks(version)).toBe(expected);
});

test("git's sh hands the hook's arguments on, and says nothing when the script has gone", async () => {
  await using box = await makeSandbox();
  const body = join(box.base, "it's a\nhook");
  await write(body, `#!/bin/sh\nprintf '<%s>' "$@"\n`, 0o755);
  // As git's run-command.c starts a command with shell characters in it.
  const git = (path: string) =>
    box.run("sh", ["-c", `${configuredCommand(path)} "$@"`, "hook", "a b", "1"]);
  expect(await git(body)).toEqual({ exitCode: 0, stdout: "<a b><1>", stderr: "" });
  expect(await git(`${body}.gone`)).toEqual({ exitCode: 0, stdout: "", stderr: "" });
});

test("the repository's configuration holds the hook, and then its old bytes", async () => {
  await using box = await makeSandbox();
  const file = join(box.commonDir, "config");
  await write(
    file,
    `${readFileSync(file, "utf8")}# mine\n[hook "theirs"]\n\tevent = post-checkout\n\tcommand = true\n`,
  );
  const before = readFileSync(file);
  const read = () => readHookConfig(Buffer.from(box.commonDir), box.commonDir, box.env);
  const body = "/some 'where'/ikigai-hook";
  expect(isConfigured(await read(), body)).toBe(false);
  await configure(box.commonDir, body, box.env);
  expect(isConfigured(await read(), body)).toBe(true);
  expect(isConfigured(await read(), "/moved/ikigai-hook")).toBe(false);
  await configure(box.commonDir, body, box.env);
  expect(isConfigured(await read(), body)).toBe(true);
  await unconfigure(box.commonDir, box.env);
  await unconfigure(box.commonDir, box.env);
  expect(readFileSync(file)).toEqual(before);
});

test("a hook left in the configuration by a newer git gives way to a file", async () => {
  await using box = await makeSandbox();
  await configure(box.commonDir, "/x/ikigai-hook", box.env);
  const report = await box.install();
  const { stdout } = await box.run("git", ["version"]);
  if (runsConfiguredHooks(stdout)) return;
  expect(report.worktrees[0]).toMatchObject({ runs: true, through: "hook file" });
  expect(readFileSync(join(box.commonDir, "config"), "utf8")).not.toMatch(/ikigai/);
});
