import { execa } from "execa";
import { readIfThere } from "../../fs/files.ts";
import { cutLineFeed, textBeforeSection, willGetLineFeed } from "../config-section.ts";
import { gitEnvironment } from "../environment.ts";
import type { HookConfig } from "./config.ts";
import { HOOK_BODY, HOOK_EVENTS } from "./script.ts";

const SECTION = "hook.ikigai";

/**
 * Whether git runs the hooks that its configuration names (`hook.<name>.command`, git-hook(1)),
 * which it does from 2.54 on, beside those of the hooks directory.
 *
 * @param version what `git version` prints.
 */
export function runsConfiguredHooks(version: string): boolean {
  const [, major = "0", minor = "0"] = /(\d+)\.(\d+)/.exec(version) ?? [];
  return Number(major) > 2 || (Number(major) === 2 && Number(minor) >= 54);
}

/**
 * The value of hook.ikigai.command. git hands it to sh with the hook's arguments behind it, and
 * prints what sh complains about: so it says nothing when the script has gone. Where it has gone
 * with the whole project, which was moved, git knows the new place; asking costs a process.
 */
export function configuredCommand(body: string): string {
  const moved = `"$(git rev-parse --git-common-dir 2>/dev/null)/${HOOK_BODY}"`;
  const quoted = `'${body.replaceAll("'", "'\\''")}'`;
  return `h=${quoted}; test -x "$h" || h=${moved}; test ! -x "$h" || "$h"`;
}

/** Whether the configuration already is as `configure` would make it. */
export function isConfigured(config: HookConfig, body: string): boolean {
  const { command = [], event = [] } = config.ikigai;
  const events = event.slice(event.lastIndexOf("") + 1);
  // git takes the last command, and an empty event clears those before it.
  const all = HOOK_EVENTS.every((name) => events.includes(name));
  return all && command.at(-1) === configuredCommand(body);
}

/**
 * Writes the hook into the repository's configuration.
 *
 * @throws execa's error, such as when another git holds the configuration's lock.
 */
export async function configure(
  commonDir: string,
  body: string,
  env: NodeJS.ProcessEnv,
): Promise<void> {
  const before = readIfThere(`${commonDir}/config`)?.toString("latin1") ?? "";
  // The command first: git refuses to work when an event names a hook without one.
  await config(commonDir, env, ["--replace-all", `${SECTION}.command`, configuredCommand(body)]);
  if (willGetLineFeed(before)) await config(commonDir, env, [`${SECTION}.lineFeedAdded`, "true"]);
  await config(commonDir, env, ["--unset-all", `${SECTION}.event`], [5]);
  for (const event of HOOK_EVENTS) {
    await config(commonDir, env, ["--add", `${SECTION}.event`, event]);
  }
}

/** Takes the hook out of the repository's configuration, if it is there. */
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
