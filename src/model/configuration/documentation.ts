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

None is needed. Where you want something else than the conventions, one of these files says so:
the key \`ikigai\` in \`package.json\`, \`.ikigairc\` (YAML or JSON), \`.ikigairc.json\`, \`.yaml\`, \`.yml\`,
\`.js\`, \`.cjs\`, \`.mjs\`, \`.ts\`, or \`ikigai.config.ts\`, \`.js\`, \`.mjs\`, \`.cjs\`. One of them, not two;
a directory's own file counts and no other's.

\`\`\`ts
import { defineConfig } from "ikigai";

export default defineConfig({
  http: { port: 8080 },
  database: { migrate: ["npm", "run", "migrate"] },
  services: { worker: { start: "always", command: ["node", "worker.js"] } },
});
\`\`\`

- **Which file.** \`services\` and \`database\` are read from each worktree, so that a branch brings its own.
  All else is the project's: read from the directory beside the worktrees if a file lies there, and
  otherwise from the default worktree. Where that one's file names another by \`worktrees.default\`, all
  else is read from there. A file beside the worktrees also speaks for worktrees whose own file does not
  mention \`services\` or \`database\`.
- **A file that vanishes**, by a checkout for instance, goes on holding for the project, until there is
  another. For the defaults write an empty one: \`{}\`.
- **Durations** are text such as \`"500ms"\`, \`"30s"\`, \`"15m"\`, \`"1h30m"\`, \`"14d"\`, or a number of seconds.
- **Sizes** are text such as \`"512MB"\`, or a number of bytes; a kilobyte is 1024 bytes.
- **Commands** are lists of arguments. No shell reads them, so \`$PORT\` in one is those five letters. Where a
  program takes an address as an argument, name the shell:
  \`["sh", "-c", "exec npm run dev -- --port \\"$PORT\\" --host \\"$HOST\\""]\`, with \`"listen": "tcp"\`.
- **Approval.** What runs something (commands, permissions, program paths, variables that load code, and a
  file that is itself a program) is held until \`ikigai trust\` has approved it, once for each content.
  A file that is a program may import only \`ikigai\` and Node's own modules.
- An editor checks the data formats by \`"$schema"\`: the schema lies beside this page, in
  [configuration.schema.json](configuration.schema.json).

Mistakes are told all at once, with file and key.
`;

/** docs/configuration.md, from the schema. */
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

/** docs/configuration.schema.json, for editors. */
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
