import { type Configuration, DEFAULT_CONFIGURATION } from "./configuration.ts";

/** A checked file: its settings with defaults, and which of the top-level keys it gave itself. */
export interface GivenConfiguration {
  readonly configuration: Configuration;
  readonly given: readonly string[];
}

/** What a worktree without a file of its own says. */
export const NOTHING_GIVEN: GivenConfiguration = {
  configuration: DEFAULT_CONFIGURATION,
  given: [],
};

/**
 * The settings that hold in one worktree. Ports, programs, worktrees, limits and
 * Deno are the project's; services and database are the worktree's own. Only a
 * file beside the worktrees (`shared`) speaks for those that do not say, since
 * one worktree's file says nothing about another's branch.
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
