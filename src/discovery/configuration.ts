import { defaultLoaders } from "cosmiconfig";
import { readFileWithin } from "../host/fs/contained-file.ts";
import { joinRaw, sha256, statIfThere, toBuffer } from "../host/fs/files.ts";
import { DEFAULT_CONFIGURATION } from "../model/configuration/configuration.ts";
import type { GivenConfiguration } from "../model/configuration/merge.ts";
import { type ConfigurationProblem, checkConfiguration } from "../model/configuration/problems.ts";
import { jsonError } from "../model/json-error.ts";
import type { RawPath } from "../model/worktree.ts";
import { evaluateApart } from "./configuration-process.ts";

/** The places that are looked at in a directory, in this order. */
export const CONFIGURATION_FILES = [
  "package.json",
  ".ikigairc",
  ...["json", "yaml", "yml", "js", "cjs", "mjs", "ts"].map((ending) => `.ikigairc.${ending}`),
  ...["ts", "js", "mjs", "cjs"].map((ending) => `ikigai.config.${ending}`),
];

/** A configuration that is a program: what approval is asked for. */
export interface ConfigurationProgram {
  readonly file: string;
  readonly content: Buffer;
  /** SHA-256 of the content, hexadecimal. */
  readonly hash: string;
}

export interface LoadOptions {
  /** Whether a configuration that is a program may be run; asked about exactly the bytes that would be. */
  readonly executable: boolean | ((program: ConfigurationProgram) => boolean);
}

export interface LoadedConfiguration extends GivenConfiguration {
  /**
   * `held`: a program that has not been approved. For this and `invalid` the
   * configuration is the default one; whoever runs on an earlier one should stay with it.
   */
  readonly status: "none" | "ok" | "invalid" | "held";
  /** The file's name in the directory. */
  readonly file?: string;
  readonly program?: ConfigurationProgram;
  /** What the file holds, where it is in order. */
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

/** Finds, reads and checks the configuration of one directory; never looks into another. */
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
  if (second) return invalid(file, `${second.file} is there too; keep one of them`);
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
 * The project-wide configuration: that of the directory beside the worktrees, if
 * a file lies there (then it is `shared`), else that of the default worktree.
 */
export async function loadProjectConfiguration(
  root: string,
  defaultWorktree: RawPath | string | undefined,
  options: LoadOptions,
): Promise<LoadedConfiguration & { readonly shared: boolean }> {
  // A repository's own top is a worktree like any other, with or without a file.
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
    // A package.json in the middle of an edit is none of our business unless it speaks of us.
    if (name === "package.json" && !text.includes('"ikigai"')) return undefined;
    const wrong = name.endsWith(".json") ? jsonError(text) : undefined;
    if (!wrong) return { file: name, message: `cannot be read: ${firstLine(error)}` };
    const { line, column, reason } = wrong;
    return { file: name, message: `cannot be read: ${reason}`, at: { line, column } };
  }
}

/**
 * Uses cosmiconfig's parsers but not its search: that also runs `.config/config.js`
 * of the current directory and follows `$import` to any file, both before anything
 * could have been approved.
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

/** The configuration that a file of this name and content means. */
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

/** The parsers put the file's name on a line of its own before what they have to say. */
function firstLine(error: unknown): string {
  const lines = (error instanceof Error ? error.message : String(error)).split("\n");
  const said = lines.find((line) => line !== "" && !/^(?:JSON|YAML) Error in /.test(line)) ?? "";
  return said.replace(/[^\x20-\x7e]/g, "?");
}
