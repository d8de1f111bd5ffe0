import { findFileWithin, readFileWithin } from "../host/fs/contained-file.ts";
import { joinRaw, listIfThere, lstatIfThere, sha256 } from "../host/fs/files.ts";
import type { ConfigurationProblem } from "../model/configuration/problems.ts";
import { unknownServices } from "../model/configuration/unknown-services.ts";
import { assignSlugs } from "../model/slug.ts";
import type { Backend, Launch, Listen, RawPath, Refused, Service } from "../model/worktree.ts";
import { startTaskOf } from "./deno-task.ts";
import { parseJsonWithComments } from "./json-with-comments.ts";
import type { SettingsOf } from "./settings.ts";

/** The settings of a service that detection needs. */
export interface ServiceOverride {
  readonly command?: readonly string[] | undefined;
  readonly listen?: "socket" | "tcp" | undefined;
  readonly http?: boolean | undefined;
  readonly enabled?: boolean | undefined;
}

export interface Detected {
  readonly services: readonly Service[];
  readonly refused: readonly Refused[];
  /** Services that have a directory but are disabled. */
  readonly disabled: readonly string[];
}

/** The slug of the unnamed service, which consists of `backend/` and `frontend/` at the top. */
const UNNAMED = "backend";

/** Directory names that cannot be a service: used by addresses, npm, or the unnamed service. */
const RESERVED = new Set(["frontend", "backend", "api", "node_modules"]);
const DENO_ENTRIES = ["main.ts", "server.ts", "mod.ts", "index.ts"];

/** Detects the services of a worktree by convention: `backend/`, `frontend/`, and `NAME/` with either. */
export function detectServices(
  top: RawPath,
  overrides: Readonly<Record<string, ServiceOverride>> = {},
): Detected {
  const refused: Refused[] = [];
  const disabled: string[] = [];
  const named = listIfThere(top)
    .filter((name) => isCandidate(name))
    .sort(Buffer.compare);
  const slugs = assignSlugs([Buffer.from(UNNAMED), ...named], sha256);
  const services = [Buffer.from(UNNAMED), ...named].flatMap((name, i) => {
    const unnamed = i === 0;
    const base = unnamed ? Buffer.from(top) : joinRaw(top, name);
    if (!unnamed && !lstatIfThere(base)?.isDirectory()) return [];
    const override = overrides[name.toString()] ?? {};
    const halves = { backend: half(base, "backend"), frontend: half(base, "frontend") };
    if (override.enabled === false) {
      if (halves.backend ?? halves.frontend) disabled.push(name.toString());
      return [];
    }
    for (const [which, found] of Object.entries(halves)) {
      if (found === "link")
        refused.push({ name: name.toString(), why: `${which} is a symbolic link` });
    }
    const backend =
      halves.backend === "directory" ? backendAt(base, override, refused, name) : undefined;
    const frontend = halves.frontend === "directory" ? joinRaw(base, "frontend") : undefined;
    if (!backend && !frontend) return [];
    return [
      {
        slug: slugs[i] ?? "",
        name: name.toString(),
        unnamed,
        ...(backend ? { backend } : {}),
        ...(frontend ? { frontend } : {}),
      },
    ];
  });
  return { services, refused, disabled };
}

/**
 * Finds services that the configuration names but the worktree lacks; in a shared file, which covers other
 * branches too, only a warning.
 */
export function strangeServices(
  { configuration, source }: SettingsOf,
  { services, refused, disabled }: Detected,
): { readonly mistakes: ConfigurationProblem[]; readonly warnings: ConfigurationProblem[] } {
  const present = [...services, ...refused].map(({ name }) => name).concat(disabled);
  const found = unknownServices(configuration, [...new Set(present)], source.file);
  return source.shared ? { mistakes: [], warnings: found } : { mistakes: found, warnings: [] };
}

function isCandidate(name: Buffer): boolean {
  return name[0] !== 0x2e && !RESERVED.has(name.toString());
}

/**
 * Checks one half of a service. Links are refused: they could lead out of the worktree, to unreviewed code.
 */
function half(base: Buffer, which: string): "directory" | "link" | undefined {
  const stat = lstatIfThere(joinRaw(base, which));
  if (stat?.isSymbolicLink()) return "link";
  return stat?.isDirectory() ? "directory" : undefined;
}

function backendAt(
  base: Buffer,
  override: ServiceOverride,
  refused: Refused[],
  name: Buffer,
): Backend | undefined {
  const directory = joinRaw(base, "backend");
  const launch: Launch | undefined = override.command
    ? { kind: "command", argv: override.command }
    : launchOf(directory, (why) => refused.push({ name: name.toString(), why }));
  const { http, listen } = override;
  if (launch)
    return { directory, launch, listen: http === false ? "none" : (listen ?? listenOf(launch)) };
  refused.push({
    name: name.toString(),
    why: "backend/ has none of: an executable run, deno.json with a start task, main.ts, server.ts, mod.ts, index.ts, package.json with a start script",
  });
  return undefined;
}

/** Returns the first conventional way to start a backend that the directory supports. */
function launchOf(directory: Buffer, refuse: (why: string) => void): Launch | undefined {
  const files = new Set(listIfThere(directory).map((name) => name.toString()));
  const take = (name: string) => files.has(name) && isTaken(directory, name, refuse);
  if (take("run")) {
    if (isExecutable(joinRaw(directory, "run"))) return { kind: "run" };
    // A file is approved by its content; a link has none.
    if (lstatIfThere(joinRaw(directory, "run"))?.isSymbolicLink()) {
      refuse("backend/run is a symbolic link");
    }
  }
  // Deno reads only the first of these that exists.
  const file = ["deno.json", "deno.jsonc"].find((name) => files.has(name));
  const task = file !== undefined && take(file) ? startTaskOf(directory, file) : undefined;
  if (file !== undefined && task) {
    const { command } = task;
    return {
      kind: "deno-task",
      task: "start",
      file,
      ...(command === undefined ? {} : { command }),
    };
  }
  const entry = DENO_ENTRIES.find(take);
  if (entry) return { kind: "deno", entry };
  if (take("package.json") && mentions(directory, "package.json", "scripts", "start")) {
    return { kind: "node" };
  }
  return undefined;
}

/**
 * Accepts only a regular file within the directory: no link to unreviewed code elsewhere, no blocking pipe.
 */
function isTaken(directory: Buffer, name: string, refuse: (why: string) => void): boolean {
  const found = findFileWithin(directory, name);
  if (found.kind === "refused") refuse(`backend/${name} ${found.message}`);
  return found.kind === "found";
}

/** Deno and Node accept a socket path as PORT; everywhere else PORT is a number. */
function listenOf(launch: Launch): Listen {
  return launch.kind === "run" || launch.kind === "command" ? "either" : "socket";
}

function isExecutable(path: Buffer): boolean {
  const stat = lstatIfThere(path);
  return !!stat?.isFile() && (stat.mode & 0o111n) !== 0n;
}

/** Tells whether a JSON file has `section.key`. */
function mentions(directory: Buffer, name: string, section: string, key: string): boolean {
  const read = readFileWithin(directory, name);
  if (read.kind !== "read") return false;
  return parseJsonWithComments(read.content.toString(), section, key) !== undefined;
}
