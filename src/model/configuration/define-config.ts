import type { ConfigurationInput } from "./configuration.ts";

/** Gives a configuration back as it is; an editor then knows its keys and types. */
export function defineConfig(configuration: ConfigurationInput): ConfigurationInput {
  return configuration;
}
