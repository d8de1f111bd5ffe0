import { homedir } from "node:os";
import { isAbsolute } from "node:path";

/** The part of the process environment that says where a user's files lie. */
export type UserEnvironment = Readonly<Record<string, string | undefined>>;

/** Where ikigai keeps what outlives a repository: `$XDG_STATE_HOME/ikigai` (XDG Base Directory Specification). */
export function stateDirectory(environment: UserEnvironment = process.env): string {
  return `${baseDirectory(environment, "XDG_STATE_HOME", ".local/state")}/ikigai`;
}

/** Where direnv keeps its records: `$XDG_DATA_HOME/direnv` (direnv(1), FILES). */
export function direnvDirectory(environment: UserEnvironment = process.env): string {
  return `${baseDirectory(environment, "XDG_DATA_HOME", ".local/share")}/direnv`;
}

function baseDirectory(environment: UserEnvironment, name: string, fallback: string): string {
  const set = environment[name];
  // The specification has relative paths ignored.
  if (set && isAbsolute(set)) return set;
  return `${environment.HOME || homedir()}/${fallback}`;
}
