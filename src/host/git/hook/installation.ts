import type { RawPath } from "../../../model/worktree.ts";
import { joinRaw, statIfThere } from "../../fs/files.ts";
import { linkProject, unlinkProject } from "../common-dir-link.ts";
import { askGitVersion } from "../git-version.ts";
import { type HookConfig, readHookConfig } from "./config.ts";
import {
  describeConfigured,
  describeHook,
  type EffectiveHook,
  type HookPlace,
} from "./diagnosis.ts";
import { type HookWorktree, hooksDirectory, type Permission, permissionFor } from "./directory.ts";
import { installBody, installInto, removeBody, removeFrom } from "./files.ts";
import { hookBody, makeHooksDirectory, unmakeHooksDirectory } from "./home.ts";
import { configure, isConfigured, runsConfiguredHooks, unconfigure } from "./in-config.ts";
import { type RecordedDirectory, readRecord, writeRecord } from "./manifest.ts";
import { HOOK_BODY } from "./script.ts";

export type { EffectiveHook, HookWorktree };

/** A repository in which the hook is installed, with its worktrees. */
export interface HookRepository {
  readonly commonDir: string;
  readonly worktrees: readonly HookWorktree[];
  /** The environment git sees; defaults to this process'. */
  readonly env?: NodeJS.ProcessEnv;
  /** The output of `git version`; git is asked if left out. */
  readonly gitVersion?: string;
}

/** What git does for each worktree after `installHook`. */
export interface HookReport {
  readonly worktrees: readonly EffectiveHook[];
}

/**
 * Makes git notify the daemon of checkouts, merges and rebases, beside existing hooks. Cheap if nothing has
 * changed (no process, no write), so it can run after every scan of the repository: this is how the hook
 * comes back after a hook manager has overwritten its file.
 *
 * @throws if git's configuration cannot be read or changed; other failures are in the report
 */
export async function installHook(repository: HookRepository): Promise<HookReport> {
  const { commonDir, env = process.env } = repository;
  const places = await placesOf(repository);
  linkProject(commonDir, repository.worktrees);
  if (await isByConfiguration(repository)) return await installConfig(repository, places);
  if (places.some(({ config }) => config.ikigai.command)) await unconfigure(commonDir, env);
  const problems = installFiles(commonDir, places);
  // Worktrees with the same settings and directory have the same hook.
  const described = new Map<
    string,
    { readonly config: HookConfig; readonly hook: EffectiveHook }
  >();
  const worktrees = places.flatMap((place) => {
    const { worktree, directory, config } = place;
    if (!worktree) return [];
    const key = directory ? keyOf(directory) : "";
    const known = described.get(key);
    if (known?.config === config) return [{ ...known.hook, slug: worktree.slug }];
    const hook = describeHook(place, problems.get(key));
    described.set(key, { config, hook });
    return [hook];
  });
  return { worktrees };
}

/** Undoes `installHook`: hooks, directories and configuration are as they were. */
export async function removeHook(repository: HookRepository): Promise<void> {
  const { commonDir, env = process.env } = repository;
  const places = await placesOf(repository);
  if (places.some(({ config }) => config.ikigai.command)) await unconfigure(commonDir, env);
  const inUse = places.flatMap(({ permission, directory }) =>
    permission === "yes" && directory ? [directory] : [],
  );
  const found = [...inUse, standardOf(commonDir)].map((path) => ({ path, made: false }));
  const directories = new Map<string, RecordedDirectory>();
  for (const entry of [...readRecord(commonDir), ...found]) {
    if (!directories.has(keyOf(entry.path))) directories.set(keyOf(entry.path), entry);
  }
  for (const { path, made } of directories.values()) {
    if (statIfThere(path)) removeFrom(path);
    if (made) unmakeHooksDirectory(path);
  }
  removeBody(Buffer.from(commonDir));
  unlinkProject(commonDir);
  writeRecord(commonDir, []);
}

/** Reports what git does for one worktree now; writes nothing. */
export async function effectiveHook(
  repository: HookRepository,
  worktree: HookWorktree,
): Promise<EffectiveHook> {
  const { commonDir } = repository;
  const placeOf = await placeFinder(repository);
  const place = await placeOf(worktree);
  const configured = isConfigured(place.config, bodyIn(commonDir));
  const byConfiguration = configured && (await isByConfiguration(repository));
  return byConfiguration ? describeConfigured(place) : describeHook(place);
}

async function isByConfiguration({
  gitVersion,
  env = process.env,
}: HookRepository): Promise<boolean> {
  return runsConfiguredHooks(gitVersion ?? (await askGitVersion(env)));
}

/** @returns problems, by hooks directory */
function installFiles(
  commonDir: string,
  places: readonly HookPlace[],
): ReadonlyMap<string, readonly string[]> {
  const body = hookBody();
  const recorded = new Map(readRecord(commonDir).map((entry) => [keyOf(entry.path), entry]));
  const problems = new Map<string, string[]>();
  for (const { directory, permission } of places) {
    if (!directory || problems.has(keyOf(directory))) continue;
    const allowed = permission === "yes" || permission === "make";
    const install = () => {
      // The user's own hook can still call the script, from a path that is the same in every clone.
      if (!allowed) return installBody(Buffer.from(commonDir), body);
      const made = makeHooksDirectory(directory, permission === "make");
      const key = keyOf(directory);
      if (!recorded.has(key)) recorded.set(key, { path: directory, made });
      return installInto(directory, body);
    };
    problems.set(keyOf(directory), attempt(install));
  }
  const present = [...recorded.values()].filter(({ path }) => statIfThere(path));
  writeRecord(commonDir, present);
  return problems;
}

/** Installs the hook in the configuration, and removes the hook files that an older git needed. */
async function installConfig(
  { commonDir, env = process.env }: HookRepository,
  places: readonly HookPlace[],
): Promise<HookReport> {
  installBody(Buffer.from(commonDir), hookBody());
  if (places.some(({ config }) => !isConfigured(config, bodyIn(commonDir)))) {
    await configure(commonDir, bodyIn(commonDir), env);
  }
  for (const { path, made } of readRecord(commonDir)) {
    if (statIfThere(path)) removeFrom(path);
    if (made) unmakeHooksDirectory(path);
  }
  writeRecord(commonDir, []);
  const worktrees = places.filter(({ worktree }) => worktree).map(describeConfigured);
  return { worktrees };
}

/** One place for commands run beside a bare repository, and one for each worktree. */
async function placesOf(repository: HookRepository): Promise<HookPlace[]> {
  const placeOf = await placeFinder(repository);
  return await Promise.all([placeOf(), ...repository.worktrees.map(placeOf)]);
}

async function placeFinder({ commonDir, env = process.env }: HookRepository) {
  const common = await readHookConfig(Buffer.from(commonDir), commonDir, env);
  // Cached by settings and directory, because usually all worktrees share one of each.
  const permissions = new Map<string, Promise<Permission>>();
  return async (worktree?: HookWorktree): Promise<HookPlace> => {
    const config =
      worktree && common.varies ? await readHookConfig(worktree.gitDir, commonDir, env) : common;
    const directory = hooksDirectory(commonDir, config, worktree?.path);
    if (!directory) return { worktree, config, directory, permission: "missing" };
    const key = `${config.scope} ${config.hooksPath} ${keyOf(directory)}`;
    const permission = permissions.get(key) ?? permissionFor(directory, commonDir, config, env);
    permissions.set(key, permission);
    return { worktree, config, directory, permission: await permission };
  };
}

function attempt(install: () => string[] | undefined): string[] {
  try {
    return install() ?? [];
  } catch (error) {
    return [error instanceof Error ? error.message : String(error)];
  }
}

const keyOf = (path: RawPath) => Buffer.from(path).toString("latin1");
const standardOf = (commonDir: string) => joinRaw(commonDir, "hooks");
const bodyIn = (commonDir: string) => `${commonDir}/${HOOK_BODY}`;
