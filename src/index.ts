export type { ConfigurationInput } from "./model/configuration.ts";
export { defineConfig } from "./model/define-config.ts";
