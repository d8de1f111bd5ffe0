import { homedir } from "node:os";
import { isAbsolute } from "node:path";

/** Environment variables that locate a user's files. */
export type UserEnvironment = Readonly<Record<string, string | undefined>>;

/**
 * Returns the directory for state that outlives a repository: `$XDG_STATE_HOME/ikigai` (XDG Base Directory
 * Specification).
 */
export function stateDirectory(environment: UserEnvironment = process.env): string {
  return `${baseDirectory(environment, "XDG_STATE_HOME", ".local/state")}/ikigai`;
}

/** Returns direnv's data directory: `$XDG_DATA_HOME/direnv` (direnv(1), FILES). */
export function direnvDirectory(environment: UserEnvironment = process.env): string {
  return `${baseDirectory(environment, "XDG_DATA_HOME", ".local/share")}/direnv`;
}

function baseDirectory(environment: UserEnvironment, name: string, fallback: string): string {
  const set = environment[name];
  // The specification says to ignore relative paths.
  if (set && isAbsolute(set)) return set;
  return `${environment.HOME || homedir()}/${fallback}`;
}
