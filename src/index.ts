export type { ConfigurationInput } from "./model/configuration/configuration.ts";
export { defineConfig } from "./model/configuration/define-config.ts";
