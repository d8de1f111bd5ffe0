import { isUtf8 } from "node:buffer";
import { execa } from "execa";
import type { RawPath } from "../../../model/worktree.ts";
import { joinRaw, statIfThere, toBuffer } from "../../fs/files.ts";
import { DirectoryCache } from "../directory-cache.ts";
import { gitEnvironment } from "../environment.ts";

/** Where a value of git's configuration comes from (git-config(1), `--show-scope`). */
export type ConfigScope = "system" | "global" | "local" | "worktree" | "command";

/** What git's configuration says about hooks, for one worktree. */
export interface HookConfig {
  /** core.hooksPath with a leading `~` expanded; absent if it is not set. */
  readonly hooksPath?: string;
  readonly scope?: ConfigScope;
  /** The file that sets it. */
  readonly file?: string;
  /** The values of `hook.ikigai.*`, by the last part of the key. */
  readonly ikigai: Readonly<Record<string, readonly string[]>>;
  /** The setting that switches the configured hook off, and its scope. */
  readonly off?: { readonly key: string; readonly scope: ConfigScope };
  /** Whether worktrees may differ: extensions.worktreeConfig is on, or a file is included conditionally. */
  readonly varies: boolean;
}

interface Known {
  readonly stamp: string;
  readonly files: readonly string[];
  readonly config: HookConfig;
}

const known = new DirectoryCache<Known>();

/**
 * Reads the configuration as git does in a worktree, including extensions.worktreeConfig and included files.
 * Runs git only if a file that it read before has changed.
 *
 * @param gitDir the worktree's administrative directory, or the common one
 * @throws execa's error if git cannot read its configuration
 */
export async function readHookConfig(
  gitDir: RawPath,
  commonDir: string,
  env: NodeJS.ProcessEnv,
): Promise<HookConfig> {
  const bytes = toBuffer(gitDir);
  if (bytes.toString() !== commonDir) {
    const common = await readHookConfig(Buffer.from(commonDir), commonDir, env);
    // A path that is not UTF-8 cannot be passed as an argument; use the common configuration.
    if (!common.varies || !isUtf8(bytes)) return common;
  }
  const directory = bytes.toString();
  const key = `${directory}\0${env.HOME}\0${env.XDG_CONFIG_HOME}\0${env.GIT_CONFIG_GLOBAL}`;
  const before = known.get(key);
  if (before && before.stamp === stampOf(before.files)) return before.config;
  const { config, origins } = await askGit(directory, env);
  const files = [...new Set([...standardFiles(directory, commonDir, env), ...origins])];
  known.set(key, bytes, { stamp: stampOf(files), files, config });
  return config;
}

async function askGit(
  gitDir: string,
  env: NodeJS.ProcessEnv,
): Promise<{ config: HookConfig; origins: string[] }> {
  const options = { env: gitEnvironment(env), extendEnv: false, cwd: gitDir };
  const git = ["--git-dir", gitDir, "config"];
  const list = [...git, "--list", "-z", "--show-scope", "--show-origin"];
  const { stdout } = await execa("git", list, options);
  const entries = parseConfig(stdout);
  const ikigai: Record<string, string[]> = {};
  for (const { key, value } of entries) {
    const name = /^hook\.ikigai\.([^.]+)$/.exec(key)?.[1];
    if (name) ikigai[name] = [...(ikigai[name] ?? []), value];
  }
  const origins = [...new Set(entries.flatMap(({ file }) => file ?? []))];
  const varies = entries.some(
    ({ key, value }) =>
      (key === "extensions.worktreeconfig" && value !== "false") || key.startsWith("includeif."),
  );
  const off = SWITCHES.map((name) => entries.findLast(({ key }) => key === name)).find(
    (entry) => entry && /^(false|no|off|0+|)$/i.test(entry.value),
  );
  const found = { ikigai, varies, ...(off ? { off: { key: off.key, scope: off.scope } } : {}) };
  const set = entries.findLast(({ key }) => key === "core.hookspath");
  if (!set) return { config: found, origins };
  const expanded = /^[~%:]/.test(set.value)
    ? await execa("git", [...git, "--type=path", "--get", "core.hooksPath"], options)
    : undefined;
  const hooksPath = expanded?.stdout ?? set.value;
  const file = set.file === undefined ? {} : { file: set.file };
  return { config: { ...found, hooksPath, scope: set.scope, ...file }, origins };
}

/** The switch of our hook, and that of all post-checkout hooks. */
const SWITCHES = ["hook.ikigai.enabled", "hook.post-checkout.enabled"];

interface ConfigEntry {
  readonly scope: ConfigScope;
  readonly file?: string;
  /** Section and name are lower-case. */
  readonly key: string;
  readonly value: string;
}

/** Parses `git config --list -z --show-scope --show-origin`. */
function parseConfig(output: string): ConfigEntry[] {
  const fields = output.split("\0");
  const entries: ConfigEntry[] = [];
  for (let i = 0; i + 2 < fields.length; i += 3) {
    const [scope = "", origin = "", pair = ""] = fields.slice(i, i + 3);
    const cut = pair.indexOf("\n");
    entries.push({
      scope: scope as ConfigScope,
      ...(origin.startsWith("file:") ? { file: origin.slice("file:".length) } : {}),
      key: cut < 0 ? pair : pair.slice(0, cut),
      // A key without a value means true.
      value: cut < 0 ? "true" : pair.slice(cut + 1),
    });
  }
  return entries;
}

/** Lists the files that git would read; those that do not exist yet may appear later. */
function standardFiles(gitDir: string, commonDir: string, env: NodeJS.ProcessEnv): string[] {
  const home = env.HOME ?? "";
  return [
    `${commonDir}/config`,
    `${gitDir}/config.worktree`,
    env.GIT_CONFIG_SYSTEM ?? "/etc/gitconfig",
    ...(env.GIT_CONFIG_GLOBAL
      ? [env.GIT_CONFIG_GLOBAL]
      : [`${home}/.gitconfig`, `${env.XDG_CONFIG_HOME ?? `${home}/.config`}/git/config`]),
  ];
}

/** Returns a string that changes whenever one of the files does. */
export function stampOf(files: readonly (RawPath | string)[]): string {
  return files
    .map((file) => statIfThere(joinRaw(file)))
    .map((stat) => (stat ? `${stat.ino}:${stat.size}:${stat.mtimeNs}:${stat.ctimeNs}` : "-"))
    .join(" ");
}
