// Writes docs/configuration.md and docs/configuration.schema.json from the schema.
import { writeFileSync } from "node:fs";
import { fileURLToPath } from "node:url";
import { execa } from "execa";
import { createJiti } from "jiti";

const jiti = createJiti(import.meta.url, { fsCache: false });
const docs = await jiti.import("../src/model/configuration-docs.ts");
const at = (name) => fileURLToPath(new URL(`../docs/${name}`, import.meta.url));

writeFileSync(at("configuration.md"), docs.configurationPage());
writeFileSync(at("configuration.schema.json"), docs.configurationSchemaFile());
await execa(
  "biome",
  ["format", "--write", at("configuration.md"), at("configuration.schema.json")],
  {
    preferLocal: true,
    cwd: fileURLToPath(new URL("..", import.meta.url)),
  },
);
