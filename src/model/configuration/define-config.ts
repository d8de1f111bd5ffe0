import type { ConfigurationInput } from "./configuration.ts";

/** Returns the configuration unchanged; gives editors its keys and types. */
export function defineConfig(configuration: ConfigurationInput): ConfigurationInput {
  return configuration;
}
