import { z } from "zod";
import { parseDuration } from "../duration.ts";
import { quoteShell } from "../envrc.ts";
import { parseSize } from "../size.ts";

/** Names of services; excludes those that addresses, git or npm use for something else. */
const SERVICE_NAME = /^(?!\.)(?!(?:frontend|api|node_modules)$)[^/\p{Cc}]{1,255}$/u;
const RESERVED_VARIABLE = /^(?:DATABASE_URL|DENO_SERVE_ADDRESS|PORT|PG[A-Z]+|IKIGAI_.*)$/;
/** A shell starts the backend, and some shells ignore assignments to these, or exit. */
const SHELLS_OWN =
  /^(?:_|E?UID|PPID|GROUPS|RANDOM|SECONDS|LINENO|OPTIND|SHLVL|FUNCNAME|DIRSTACK|SHELLOPTS|BASHOPTS|BASH_(?!ENV$).*)$/;
export const DENO_FLAG =
  /^(?:-A|-[RWNESI](?:=.+)?|--(?:allow|deny)-[a-z]+(?:=.+)?|--unstable-[a-z-]+)$/s;

export const port = (value: number) =>
  z
    .int("must be a port number")
    .min(1, "must be 1 to 65535")
    .max(65535, "must be 1 to 65535")
    .default(value);

export const duration = quantity(
  parseDuration,
  'a duration such as "15m", "14d" or a number of seconds',
);
export const size = quantity(parseSize, 'a size such as "512MB" or a number of bytes');

/** Makes a schema for text or numbers that `parse` converts to milliseconds or bytes. */
function quantity(parse: (value: string | number) => number | undefined, what: string) {
  return z
    .union([z.string(), z.number()], { error: `must be ${what}` })
    .transform((value, context): number => {
      const parsed = parse(value);
      if (parsed !== undefined) return parsed;
      context.issues.push({ code: "custom", input: value, message: `must be ${what}` });
      return z.NEVER;
    });
}

export const plainText = z
  .string()
  .min(1, "must not be empty")
  .regex(/^[^\0]*$/, "must not contain NUL");
/** Absolute: a relative path would mean another file in each worktree. */
export const path = plainText.regex(/^\/[^\n]*$/, "must be an absolute path");
export const argumentList = z
  .array(z.string().regex(/^[^\0]*$/, "must not contain NUL"), {
    error: 'must be a list of arguments such as ["npm", "run", "migrate"]',
  })
  .min(1, "must name a program")
  .refine((list) => list[0] !== "", "must name a program")
  .check(({ value, issues }) => {
    const at = literalVariable(value);
    if (at < 0) return;
    const message = `is passed literally, because commands are not run by a shell; write ${throughShell(value)}`;
    issues.push({ code: "custom", input: value, path: [at], message });
  });

/**
 * Returns the index of an argument that names a variable of ikigai's, except in code for an interpreter; else
 * -1.
 */
function literalVariable(command: readonly string[]): number {
  if (command.some((argument) => /^-[a-z]*[ce]$/.test(argument))) return -1;
  return command.findIndex((argument) => SET_VARIABLE.test(argument) && !/\s/.test(argument));
}

const SET_VARIABLE =
  /\$(?:\{)?(?:DATABASE_URL|DENO_SERVE_ADDRESS|HOST|PORT|PG[A-Z]+|IKIGAI_[A-Z]+)(?![A-Za-z0-9_])/;

/** Rewrites a command as `sh -c`, which expands the variables. */
function throughShell(command: readonly string[]): string {
  const words = command.map((word) => {
    if (SET_VARIABLE.test(word)) return `"${word.replaceAll(/["`\\]/g, "\\$&")}"`;
    return /^[\w@%+=:,./-]+$/.test(word) ? word : quoteShell(word);
  });
  return JSON.stringify(["sh", "-c", `exec ${words.join(" ")}`]);
}

export const serviceName = z
  .string()
  .regex(
    SERVICE_NAME,
    "is not a valid service name: use a directory name other than frontend, api, node_modules or a hidden one",
  );
export const variableName = z
  .string()
  .regex(/^[A-Za-z_][A-Za-z0-9_]*$/, "is not a valid variable name")
  .refine((name) => !RESERVED_VARIABLE.test(name), "is set by ikigai itself for each worktree")
  .refine((name) => !SHELLS_OWN.test(name), "is reserved by shells");
