import { findProject, type Project } from "../discovery/project.ts";
import { UserError } from "../model/user-error.ts";

/** The working directory and output streams of a command. */
export interface Context {
  readonly cwd: string;
  /** Writes results to standard output. */
  out(text: string): void;
  /** Writes messages and progress to standard error. */
  say(text: string): void;
}

/** Option values and arguments as commander gives them. */
export type Values = Readonly<Record<string, unknown>>;

/**
 * One command. `load` imports its implementation and is called only for the command that runs, so that
 * no command pays for the imports of another.
 */
export interface Command {
  readonly usage: string;
  readonly summary: string;
  readonly options?: readonly (readonly [flags: string, description: string, preset?: string])[];
  /** Not listed in the help. */
  readonly hidden?: boolean;
  load(): Promise<Run>;
}

/** Runs a command and returns its exit code; undefined means 0. */
export type Run = (
  context: Context,
  args: readonly string[],
  options: Values,
) => Promise<number | undefined>;

/**
 * Finds the project that contains `cwd`.
 *
 * @throws UserError when there is none
 */
export function requireProject(cwd: string): Project {
  const project = findProject(cwd);
  if (project) return project;
  throw new UserError(`No .ikigai found in ${cwd} or any directory above it.`, "ikigai init");
}

export function textOption(options: Values, name: string): string | undefined {
  const value = options[name];
  return typeof value === "string" ? value : undefined;
}
