import { type Configuration, DEFAULT_CONFIGURATION } from "./configuration.ts";

/** A checked file: its settings with defaults, and the top-level keys that the file contains. */
export interface GivenConfiguration {
  readonly configuration: Configuration;
  readonly given: readonly string[];
}

/** The configuration of a worktree without a file of its own. */
export const NOTHING_GIVEN: GivenConfiguration = {
  configuration: DEFAULT_CONFIGURATION,
  given: [],
};

/**
 * Merges the settings of one worktree: `services` and `database` are the worktree's own, everything else
 * is the project's. Where the worktree's file lacks one of these two, only a file beside the worktrees
 * (`shared`) supplies it: the default worktree's file is about another branch.
 */
export function mergeConfiguration(
  project: GivenConfiguration & { readonly shared?: boolean },
  worktree: GivenConfiguration,
): Configuration {
  const from = (key: "services" | "database") =>
    project.shared && !worktree.given.includes(key)
      ? project.configuration
      : worktree.configuration;
  return {
    ...project.configuration,
    services: from("services").services,
    database: from("database").database,
  };
}
