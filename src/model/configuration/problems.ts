import { z } from "zod";
import { printable } from "../printable.ts";
import { type Configuration, configurationSchema } from "./configuration.ts";
import { contradictions } from "./contradictions.ts";
import { suggestionFor } from "./suggestions.ts";

/** One error in a configuration file. */
export interface ConfigurationProblem {
  /** The file's name, for display. */
  readonly file: string;
  /** The key, such as `services.web.command[0]`; empty for the file as a whole. */
  readonly key: string;
  /** The error, worded to follow the key. */
  readonly message: string;
  /** The position in the file, for syntax errors. */
  readonly at?: { readonly line: number; readonly column: number };
}

/** Formats a problem as one line: file, key and error. */
export function problemLine({ file, key, message, at }: ConfigurationProblem): string {
  if (at) return `${file}:${at.line}:${at.column} ${message}`;
  return key ? `${file}: ${key} ${message}` : `${file} ${message}`;
}

export type Checked =
  | { readonly ok: true; readonly configuration: Configuration; readonly given: readonly string[] }
  | { readonly ok: false; readonly problems: readonly ConfigurationProblem[] };

const MOST_VALUES = 10_000;
const DEEPEST = 20;
const DANGEROUS_KEYS = new Set(["__proto__", "constructor", "prototype"]);

type KeyPath = readonly PropertyKey[];

/** Checks the content of a file; reports all errors together. */
export function checkConfiguration(raw: unknown, file: string): Checked {
  const hazard = findHazard(raw);
  if (hazard) return refused([{ file, ...hazard }]);
  if (typeof raw !== "object" || raw === null || Array.isArray(raw)) {
    return refused([{ file, key: "", message: "must be an object of settings" }]);
  }
  const parsed = configurationSchema.safeParse(raw);
  const problems = [
    ...(parsed.error?.issues ?? []).flatMap((issue) => explain(issue)),
    ...contradictions(raw),
  ].map(({ path, message }) => ({ file, key: formatKey(path), message: printable(message) }));
  if (!parsed.success || problems.length > 0) return refused(problems);
  return { ok: true, configuration: parsed.data, given: Object.keys(raw) };
}

/** Formats a key such as `a.b[0]["c d"]`; quotes anything but plain names, so that it is safe to print. */
export function formatKey(path: KeyPath): string {
  return path.reduce<string>((text, part) => {
    if (typeof part === "number") return `${text}[${part}]`;
    const name = String(part);
    if (!/^[A-Za-z_$][\w$-]*$/.test(name)) return `${text}[${printable(JSON.stringify(name))}]`;
    return text === "" ? name : `${text}.${name}`;
  }, "");
}

/**
 * Finds content that must not be processed further: names that reach into JavaScript's prototypes, and a
 * few lines of YAML that expand to a billion values.
 */
function findHazard(raw: unknown): { key: string; message: string } | undefined {
  const pending: { value: unknown; path: KeyPath }[] = [{ value: raw, path: [] }];
  for (let seen = 0; ; seen += 1) {
    const next = pending.pop();
    if (!next) return undefined;
    const { value, path } = next;
    if (seen > MOST_VALUES) return { key: "", message: `contains more than ${MOST_VALUES} values` };
    if (path.length > DEEPEST) return { key: "", message: "is nested too deeply" };
    if (typeof value !== "object" || value === null) continue;
    for (const key of Object.keys(value)) {
      const at = [...path, Array.isArray(value) ? Number(key) : key];
      if (DANGEROUS_KEYS.has(key))
        return { key: formatKey(at), message: "is not allowed as a name" };
      pending.push({ value: Object.getOwnPropertyDescriptor(value, key)?.value, path: at });
    }
  }
}

interface Finding {
  readonly path: KeyPath;
  readonly message: string;
}

function explain(issue: z.core.$ZodIssue): Finding[] {
  if (issue.code === "unrecognized_keys") {
    return issue.keys.map((key) => ({
      path: [...issue.path, key],
      message: `is not a setting; ${suggestionFor(inputSchema(), issue.path, key)}`,
    }));
  }
  if (issue.code === "invalid_key") {
    return issue.issues.map(({ message }) => ({ path: issue.path, message }));
  }
  return [{ path: issue.path, message: plain(issue) }];
}

/** Rewords zod's messages, which are whole sentences, so that they can follow a key. */
function plain(issue: z.core.$ZodIssue): string {
  if (issue.code === "invalid_value")
    return `must be one of ${issue.values.map(String).join(", ")}`;
  if (issue.code === "invalid_type" && issue.message.startsWith("Invalid input")) {
    const kind = issue.expected === "record" ? "object" : issue.expected;
    return `must be ${/^[aeio]/.test(kind) ? "an" : "a"} ${kind}`;
  }
  return issue.message;
}

let cached: z.core.JSONSchema.BaseSchema | undefined;

/** Returns the format of configuration files as JSON Schema. */
export function inputSchema(): z.core.JSONSchema.BaseSchema {
  cached ??= z.toJSONSchema(configurationSchema, {
    io: "input",
    override: ({ zodSchema, jsonSchema }) => {
      // zod omits the examples of transformed values; ours show the input.
      const examples = z.globalRegistry.get(zodSchema)?.examples;
      if (Array.isArray(examples)) jsonSchema.examples = examples;
    },
  });
  return cached;
}

function refused(problems: readonly ConfigurationProblem[]): Checked {
  return { ok: false, problems };
}
