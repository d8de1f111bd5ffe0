import { loadsCode } from "./code-loading-variables.ts";
import type { Configuration } from "./configuration/configuration.ts";

/** What needs approval: a file, a command line, or a setting that widens what may run. */
export type TrustKind =
  | "configuration"
  | "command"
  | "permissions"
  | "environment"
  | "program"
  | "run"
  | "task";

/** Content of a worktree that runs, or takes effect, only once approved. */
export interface Trustable {
  readonly kind: TrustKind;
  /** A key such as `services.web.command`, or a file's path in the worktree. */
  readonly what: string;
  /** The service that does not start until this is approved. */
  readonly service?: string;
  /** SHA-256 of the content, hexadecimal. */
  readonly hash: string;
  /** The content, to be shown; absent if it is binary or too long. */
  readonly text?: string;
}

/** The parts of a worktree that can run something. */
export interface TrustFacts {
  readonly configuration: Configuration;
  /** A configuration file that is a program, whether it was run or not. */
  readonly program?: { readonly file: string; readonly content: Uint8Array };
  /** The executable `run` files and Deno tasks that start services. */
  readonly runs: readonly RunFile[];
}

export interface RunFile {
  readonly kind: "run" | "task";
  readonly service?: string;
  /** Its path in the worktree, for display. */
  readonly path: string;
  readonly content: Uint8Array;
}

export type Hash = (content: Uint8Array | string) => string;

const LONGEST_TEXT = 262_144;

/** Lists everything in a worktree that needs approval, in a stable order. */
export function trustables({ configuration, program, runs }: TrustFacts, hash: Hash): Trustable[] {
  const setting = (
    kind: TrustKind,
    what: string,
    value: unknown,
    of: Service = {},
  ): Trustable[] => {
    if (value === undefined || (Array.isArray(value) && value.length === 0)) return [];
    const text = JSON.stringify(value);
    return [{ kind, what, ...of, hash: hash(text), text }];
  };
  const file = (
    kind: TrustKind,
    what: string,
    content: Uint8Array,
    of: Service = {},
  ): Trustable => {
    const text = content.length <= LONGEST_TEXT ? decode(content) : undefined;
    return { kind, what, ...of, hash: hash(content), ...(text === undefined ? {} : { text }) };
  };
  const { database, postgres, programs, services } = configuration;
  return [
    ...(program ? [file("configuration", program.file, program.content)] : []),
    ...Object.entries(programs).flatMap(([name, path]) =>
      setting("program", `programs.${name}`, path),
    ),
    ...setting("program", "postgres.bin", postgres.bin),
    ...setting("command", "database.migrate", database.migrate),
    ...setting("command", "database.seed", database.seed),
    ...Object.entries(services).flatMap(([name, { command, permissions, env }]) => [
      ...setting("command", `services.${name}.command`, command, { service: name }),
      ...setting("permissions", `services.${name}.permissions`, permissions, { service: name }),
      ...setting("environment", `services.${name}.env`, loading(env), { service: name }),
    ]),
    ...runs.map(({ kind, path, content, service }) =>
      file(kind, path, content, service === undefined ? {} : { service }),
    ),
  ];
}

type Service = Pick<Trustable, "service">;

/** Selects the unapproved content that keeps a service from starting; empty if it may start. */
export function holding(untrusted: readonly Trustable[], service: string): Trustable[] {
  return untrusted.filter((trustable) => trustable.service === service);
}

function loading(env: Readonly<Record<string, string>>): string[] {
  return Object.entries(env)
    .filter(([name]) => loadsCode(name))
    .map(([name, value]) => `${name}=${value}`);
}

function decode(content: Uint8Array): string | undefined {
  try {
    const text = new TextDecoder("utf-8", { fatal: true, ignoreBOM: true }).decode(content);
    return text.includes("\0") ? undefined : text;
  } catch {
    return undefined;
  }
}
