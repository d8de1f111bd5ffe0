import { defaultLoaders } from "cosmiconfig";
import { readFileWithin } from "../host/fs/contained-file.ts";
import { joinRaw, sha256, statIfThere, toBuffer } from "../host/fs/files.ts";
import { DEFAULT_CONFIGURATION } from "../model/configuration/configuration.ts";
import type { GivenConfiguration } from "../model/configuration/merge.ts";
import { type ConfigurationProblem, checkConfiguration } from "../model/configuration/problems.ts";
import { jsonError } from "../model/json-error.ts";
import type { RawPath } from "../model/worktree.ts";
import { evaluateApart } from "./configuration-process.ts";

/** The names of configuration files, in the order in which they are tried. */
export const CONFIGURATION_FILES = [
  "package.json",
  ".ikigairc",
  ...["json", "yaml", "yml", "js", "cjs", "mjs", "ts"].map((ending) => `.ikigairc.${ending}`),
  ...["ts", "js", "mjs", "cjs"].map((ending) => `ikigai.config.${ending}`),
];

/** A configuration file that is a program, which needs approval. */
export interface ConfigurationProgram {
  readonly file: string;
  readonly content: Buffer;
  /** SHA-256 of the content, hexadecimal. */
  readonly hash: string;
}

export interface LoadOptions {
  /** Whether a configuration program may be run; the function gets exactly the bytes that would be run. */
  readonly executable: boolean | ((program: ConfigurationProgram) => boolean);
}

export interface LoadedConfiguration extends GivenConfiguration {
  /**
   * `held`: a program that is not approved. For `held` and `invalid` the configuration is the default one;
   * callers with an earlier configuration should keep that.
   */
  readonly status: "none" | "ok" | "invalid" | "held";
  /** The file's name in the directory. */
  readonly file?: string;
  readonly program?: ConfigurationProgram;
  /** The content of the file, if it is valid. */
  readonly raw?: unknown;
  readonly problems: readonly ConfigurationProblem[];
}

type Found = {
  readonly file: string;
  readonly raw?: unknown;
  readonly program?: ConfigurationProgram;
  readonly message?: string;
  readonly at?: ConfigurationProblem["at"];
};

/** Finds, reads and checks the configuration of one directory; searches no other directory. */
export async function loadConfiguration(
  directory: RawPath | string,
  { executable }: LoadOptions,
): Promise<LoadedConfiguration> {
  const found: Found[] = [];
  for (const name of CONFIGURATION_FILES) {
    const one = await read(directory, name);
    if (one) found.push(one);
  }
  const [first, second] = found;
  if (!first) return outcome("none");
  const { file } = first;
  if (second) return invalid(file, `and ${second.file} both exist; keep only one`);
  if (first.message !== undefined) return invalid(file, first.message, first.at);
  if (!first.program) return validated(file, first.raw);
  const { program } = first;
  const allowed = typeof executable === "function" ? executable(program) : executable;
  if (!allowed) {
    const message = "is a program and has not been approved; type: ikigai trust";
    return { ...outcome("held", [{ file, key: "", message }]), file, program };
  }
  const path = toBuffer(joinRaw(directory, file)).toString();
  const result = await evaluateApart(program.content.toString(), path);
  return {
    ...(result.ok ? validated(file, result.value) : invalid(file, result.message)),
    program,
  };
}

/**
 * Loads the project-wide configuration: the file in the project's root, beside the worktrees, if there is
 * one (then it is `shared`), else that of the default worktree.
 */
export async function loadProjectConfiguration(
  root: string,
  defaultWorktree: RawPath | string | undefined,
  options: LoadOptions,
): Promise<LoadedConfiguration & { readonly shared: boolean }> {
  // If the root is a worktree itself, its file is not shared.
  const isWorktree = defaultWorktree !== undefined && sameDirectory(root, defaultWorktree);
  const beside = await loadConfiguration(root, options);
  const own = beside.status !== "none" || isWorktree || defaultWorktree === undefined;
  if (own) return { ...beside, shared: !isWorktree && beside.status !== "none" };
  return { ...(await loadConfiguration(defaultWorktree, options)), shared: false };
}

async function read(directory: RawPath | string, name: string): Promise<Found | undefined> {
  const result = readFileWithin(directory, name);
  if (result.kind === "absent") return undefined;
  if (result.kind === "refused") return { file: name, message: result.message };
  const { content } = result;
  if (/\.[cm]?[jt]s$/.test(name)) {
    return { file: name, program: { file: name, content, hash: sha256(content) } };
  }
  const text = content.toString();
  if (text.trim() === "") return undefined;
  try {
    const raw = parse(name, text);
    return raw === undefined ? undefined : { file: name, raw };
  } catch (error) {
    // Ignore an unparsable package.json, which may be in the middle of an edit, unless it mentions ikigai.
    if (name === "package.json" && !text.includes('"ikigai"')) return undefined;
    const wrong = name.endsWith(".json") ? jsonError(text) : undefined;
    if (!wrong) return { file: name, message: `cannot be read: ${firstLine(error)}` };
    const { line, column, reason } = wrong;
    return { file: name, message: `cannot be read: ${reason}`, at: { line, column } };
  }
}

/**
 * Parses a file with cosmiconfig's parsers. Does not use its search, which also runs `.config/config.js` of
 * the current directory and follows `$import` to any file, both before anything could be approved.
 */
function parse(name: string, text: string): unknown {
  if (name === "package.json") {
    const json: unknown = defaultLoaders[".json"](name, text);
    if (typeof json !== "object" || json === null || !Object.hasOwn(json, "ikigai"))
      return undefined;
    return Object.getOwnPropertyDescriptor(json, "ikigai")?.value;
  }
  const value: unknown = name.endsWith(".json")
    ? defaultLoaders[".json"](name, text)
    : defaultLoaders.noExt(name, text);
  return value ?? {};
}

/** Checks the content of a file. */
export function validated(file: string, raw: unknown): LoadedConfiguration {
  const result = checkConfiguration(raw, file);
  return result.ok
    ? { ...outcome("ok"), file, raw, configuration: result.configuration, given: result.given }
    : { ...outcome("invalid", result.problems), file };
}

function invalid(
  file: string,
  message: string,
  at?: ConfigurationProblem["at"],
): LoadedConfiguration {
  return { ...outcome("invalid", [{ file, key: "", message, ...(at ? { at } : {}) }]), file };
}

function outcome(
  status: LoadedConfiguration["status"],
  problems: readonly ConfigurationProblem[] = [],
): LoadedConfiguration {
  return { status, configuration: DEFAULT_CONFIGURATION, given: [], problems };
}

function sameDirectory(a: RawPath | string, b: RawPath | string): boolean {
  const [one, other] = [statIfThere(a), statIfThere(b)];
  return !!one && !!other && one.dev === other.dev && one.ino === other.ino;
}

/** Returns the first line of a parser's message that is not its heading with the file name. */
function firstLine(error: unknown): string {
  const lines = (error instanceof Error ? error.message : String(error)).split("\n");
  const said = lines.find((line) => line !== "" && !/^(?:JSON|YAML) Error in /.test(line)) ?? "";
  return said.replace(/[^\x20-\x7e]/g, "?");
}
