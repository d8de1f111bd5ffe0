// Writes the pages of docs/ that are generated from the source: configuration and commands.
import { writeFileSync } from "node:fs";
import { fileURLToPath } from "node:url";
import { execa } from "execa";
import { createJiti } from "jiti";

const jiti = createJiti(import.meta.url, { fsCache: false });
const configuration = await jiti.import("../src/model/configuration/documentation.ts");
const commands = await jiti.import("../src/cli/commands-page.ts");
const at = (name) => fileURLToPath(new URL(`../docs/${name}`, import.meta.url));

const pages = {
  "configuration.md": configuration.configurationPage(),
  "configuration.schema.json": configuration.configurationSchemaFile(),
  "commands.md": commands.commandsPage(),
};
for (const [name, text] of Object.entries(pages)) writeFileSync(at(name), text);
await execa("biome", ["format", "--write", ...Object.keys(pages).map(at)], {
  preferLocal: true,
  cwd: fileURLToPath(new URL("..", import.meta.url)),
});
