import { findProject, type Project } from "../discovery/project.ts";
import { UserError } from "../model/user-error.ts";

/** What every command gets: where it was typed, and where its words go. */
export interface Context {
  readonly cwd: string;
  /** For what was asked for; a pipe gets this and nothing else. */
  out(text: string): void;
  /** For everything said on the way. */
  say(text: string): void;
}

/** Option values and arguments as commander gives them. */
export type Values = Readonly<Record<string, unknown>>;

/**
 * One command: how it is called, and what it does. `load` is only called for the
 * command that was typed, so that no command pays for another's imports.
 */
export interface Command {
  readonly usage: string;
  readonly summary: string;
  readonly options?: readonly (readonly [flags: string, description: string, preset?: string])[];
  /** Not listed in the help. */
  readonly hidden?: boolean;
  load(): Promise<Run>;
}

/** Returns the exit code; 0 when it returns nothing. */
export type Run = (
  context: Context,
  args: readonly string[],
  options: Values,
) => Promise<number | undefined>;

/** The project of a directory. */
export function requireProject(cwd: string): Project {
  const project = findProject(cwd);
  if (project) return project;
  throw new UserError(`There is no .ikigai here or in any directory above ${cwd}.`, "ikigai init");
}

export function textOption(options: Values, name: string): string | undefined {
  const value = options[name];
  return typeof value === "string" ? value : undefined;
}
