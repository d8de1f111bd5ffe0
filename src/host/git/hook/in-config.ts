import { execa } from "execa";
import { readIfThere } from "../../fs/files.ts";
import { cutLineFeed, textBeforeSection, willGetLineFeed } from "../config-section.ts";
import { gitEnvironment } from "../environment.ts";
import type { HookConfig } from "./config.ts";
import { HOOK_BODY, HOOK_EVENTS } from "./script.ts";

const SECTION = "hook.ikigai";

/**
 * Tells whether git runs hooks from its configuration (`hook.<name>.command`, git-hook(1)), which it does
 * since 2.54, in addition to those in the hooks directory.
 *
 * @param version the output of `git version`
 */
export function runsConfiguredHooks(version: string): boolean {
  const [, major = "0", minor = "0"] = /(\d+)\.(\d+)/.exec(version) ?? [];
  return Number(major) > 2 || (Number(major) === 2 && Number(minor) >= 54);
}

/**
 * Returns the value of hook.ikigai.command. git passes it to sh with the hook's arguments appended and shows
 * sh's errors, so it must be silent if the script is missing. If the whole project was moved, it asks git for
 * the new path, which costs a process.
 */
export function configuredCommand(body: string): string {
  const moved = `"$(git rev-parse --git-common-dir 2>/dev/null)/${HOOK_BODY}"`;
  const quoted = `'${body.replaceAll("'", "'\\''")}'`;
  return `h=${quoted}; test -x "$h" || h=${moved}; test ! -x "$h" || "$h"`;
}

/** Tells whether the configuration already is as `configure` would write it. */
export function isConfigured(config: HookConfig, body: string): boolean {
  const { command = [], event = [] } = config.ikigai;
  const events = event.slice(event.lastIndexOf("") + 1);
  // The last command counts, and an empty event clears those before it.
  const all = HOOK_EVENTS.every((name) => events.includes(name));
  return all && command.at(-1) === configuredCommand(body);
}

/**
 * Adds the hook to the repository's configuration.
 *
 * @throws Error, such as when another git holds the lock of the configuration
 */
export async function configure(
  commonDir: string,
  body: string,
  env: NodeJS.ProcessEnv,
): Promise<void> {
  const before = readIfThere(`${commonDir}/config`)?.toString("latin1") ?? "";
  // The command first: git refuses to work if an event names a hook without a command.
  await config(commonDir, env, ["--replace-all", `${SECTION}.command`, configuredCommand(body)]);
  if (willGetLineFeed(before)) await config(commonDir, env, [`${SECTION}.lineFeedAdded`, "true"]);
  await config(commonDir, env, ["--unset-all", `${SECTION}.event`], [5]);
  for (const event of HOOK_EVENTS) {
    await config(commonDir, env, ["--add", `${SECTION}.event`, event]);
  }
}

/** Removes the hook from the repository's configuration, if it is there. */
export async function unconfigure(commonDir: string, env: NodeJS.ProcessEnv): Promise<void> {
  const file = `${commonDir}/config`;
  const before = textBeforeSection(file);
  await config(commonDir, env, ["--remove-section", SECTION], [128]);
  if (before) cutLineFeed(file, before);
}

async function config(
  commonDir: string,
  env: NodeJS.ProcessEnv,
  args: readonly string[],
  accepted: readonly number[] = [],
): Promise<void> {
  const options = { env: gitEnvironment(env), extendEnv: false, cwd: commonDir };
  const result = await execa("git", ["--git-dir", commonDir, "config", "--local", ...args], {
    ...options,
    reject: false,
  });
  if (result.exitCode !== 0 && !accepted.includes(result.exitCode ?? -1)) {
    throw new Error(`git could not change ${commonDir}/config: ${result.stderr || result.message}`);
  }
}
