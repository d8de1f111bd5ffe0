import type { z } from "zod";
import { inputSchema } from "./problems.ts";

type Schema = z.core.JSONSchema.BaseSchema;

interface Row {
  readonly key: string;
  readonly schema: Schema;
}

const SECTIONS: Readonly<Record<string, string>> = {
  http: "Addresses",
  postgres: "PostgreSQL",
  programs: "Programs",
  worktrees: "Worktrees",
  limits: "Limits",
  deno: "Deno",
  database: "The database of a worktree",
  services: "Services",
};

const INTRODUCTION = `# Configuration

<!-- Made from the schema by scripts/configuration-docs.js; change src/model/configuration/configuration.ts instead. -->

Configuration is optional. To override a convention, create exactly one of: the key \`ikigai\` in
\`package.json\`, \`.ikigairc\` (YAML or JSON), \`.ikigairc.json\`, \`.yaml\`, \`.yml\`, \`.js\`, \`.cjs\`, \`.mjs\`,
\`.ts\`, or \`ikigai.config.ts\`, \`.js\`, \`.mjs\`, \`.cjs\`. Parent directories are not searched.

\`\`\`ts
import { defineConfig } from "ikigai";

export default defineConfig({
  http: { port: 8080 },
  database: { migrate: ["npm", "run", "migrate"] },
  services: { worker: { start: "always", command: ["node", "worker.js"] } },
});
\`\`\`

- **Which file.** \`services\` and \`database\` are read from each worktree, so that every branch can have
  its own. Everything else applies to the whole project and is read from the file in the project's root,
  beside the worktrees, if there is one; otherwise from the default worktree. If that file names another
  worktree in \`worktrees.default\`, everything else is read from there. A file in the project's root also
  provides \`services\` and \`database\` for worktrees whose own file does not mention them.
- **Missing files.** If the file disappears, for instance by a checkout, its last settings still apply to
  the project until there is another file. To return to the defaults, write an empty one: \`{}\`.
- **Durations** are text such as \`"500ms"\`, \`"30s"\`, \`"15m"\`, \`"1h30m"\`, \`"14d"\`, or a number of seconds.
- **Sizes** are text such as \`"512MB"\`, or a number of bytes; a kilobyte is 1024 bytes.
- **Commands** are lists of arguments and are not run by a shell, so \`$PORT\` in one is literal text. If a
  program takes its address as an argument, call a shell explicitly:
  \`["sh", "-c", "exec npm run dev -- --port \\"$PORT\\" --host \\"$HOST\\""]\`, with \`"listen": "tcp"\`.
- **Approval.** Everything that runs something (commands, permissions, program paths, variables that load
  code, and a configuration file that is itself a program) waits until \`ikigai trust\` has approved its
  current content. A configuration program may import only \`ikigai\` and Node's own modules.
- **Editors** check JSON and YAML files by \`"$schema"\`; the schema is beside this page, in
  [configuration.schema.json](configuration.schema.json).

All errors are reported together, with file and key.
`;

/** Renders docs/configuration.md from the schema. */
export function configurationPage(): string {
  const top = Object.entries(inputSchema().properties ?? {}).filter(([name]) => name !== "$schema");
  const sections = top.map(([name, schema]) => {
    const rows = rowsOf(name, schema as Schema)
      .map(row)
      .join("");
    return `\n## ${SECTIONS[name] ?? name}\n\n${HEAD}${rows}`;
  });
  return INTRODUCTION + sections.join("");
}

/** Renders docs/configuration.schema.json, for editors. */
export function configurationSchemaFile(): string {
  return `${JSON.stringify({ title: "Configuration of ikigai", ...inputSchema() }, undefined, 2)}\n`;
}

const HEAD = "| Key | Type | Default | Meaning | Example |\n| --- | --- | --- | --- | --- |\n";

function rowsOf(key: string, schema: Schema): Row[] {
  const named =
    typeof schema.additionalProperties === "object" ? schema.additionalProperties : undefined;
  if (named?.properties) return [{ key, schema }, ...rowsOf(`${key}.<name>`, named)];
  if (!schema.properties) return [{ key, schema }];
  return Object.entries(schema.properties).flatMap(([name, inner]) =>
    typeof inner === "object" ? rowsOf(`${key}.${name}`, inner) : [],
  );
}

function row({ key, schema }: Row): string {
  const example = schema.examples?.[0];
  const cells = [
    code(key),
    typeOf(schema),
    schema.default === undefined ? "" : code(JSON.stringify(schema.default)),
    (schema.description ?? "").replaceAll("*", "\\*"),
    example === undefined ? "" : code(JSON.stringify(example)),
  ];
  return `| ${cells.map((cell) => cell.replaceAll("|", "\\|")).join(" | ")} |\n`;
}

function typeOf(schema: Schema): string {
  if (schema.enum) return schema.enum.map((value) => code(JSON.stringify(value))).join(", ");
  if (Array.isArray(schema.type)) return schema.type.join(" or ").replace("string", "text");
  if (schema.type === "array") return "list of text";
  if (schema.type === "object") return schema.additionalProperties ? "object by name" : "object";
  if (schema.type === "integer") {
    const { minimum, maximum } = schema;
    const bounded = maximum !== undefined && maximum < Number.MAX_SAFE_INTEGER;
    return bounded ? `${minimum} to ${maximum}` : `whole number from ${minimum}`;
  }
  return schema.type === "string" ? "text" : String(schema.type);
}

function code(text: string): string {
  return `\`${text}\``;
}
