import { findFileWithin, readFileWithin } from "../host/fs/contained-file.ts";
import { joinRaw, listIfThere, lstatIfThere, sha256 } from "../host/fs/files.ts";
import type { ConfigurationProblem } from "../model/configuration/problems.ts";
import { unknownServices } from "../model/configuration/unknown-services.ts";
import { assignSlugs } from "../model/slug.ts";
import type { Backend, Launch, Listen, RawPath, Refused, Service } from "../model/worktree.ts";
import { startTaskOf } from "./deno-task.ts";
import { parseJsonWithComments } from "./json-with-comments.ts";
import type { SettingsOf } from "./settings.ts";

/** What a configuration may say about a service; only what detection needs. */
export interface ServiceOverride {
  readonly command?: readonly string[] | undefined;
  readonly listen?: "socket" | "tcp" | undefined;
  readonly http?: boolean | undefined;
  readonly enabled?: boolean | undefined;
}

export interface Detected {
  readonly services: readonly Service[];
  readonly refused: readonly Refused[];
  /** Those whose directory is there but that are switched off. */
  readonly disabled: readonly string[];
}

/** The unnamed service's slug; its halves are `backend/` and `frontend/` at the top. */
const UNNAMED = "backend";

/** Directory names that are an address or a half of the unnamed service, never a service. */
const RESERVED = new Set(["frontend", "backend", "api", "node_modules"]);
const DENO_ENTRIES = ["main.ts", "server.ts", "mod.ts", "index.ts"];

/** The services of a worktree by convention: `backend/`, `frontend/` and `NAME/` of both. */
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

/** What a configuration names and a worktree does not have; a shared file speaks of other branches too. */
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

/** A link could lead out of the worktree, to code that nobody looked at: not taken. */
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

/** The first of the convention's ways to start a backend that this directory has. */
function launchOf(directory: Buffer, refuse: (why: string) => void): Launch | undefined {
  const files = new Set(listIfThere(directory).map((name) => name.toString()));
  const take = (name: string) => files.has(name) && isTaken(directory, name, refuse);
  if (take("run")) {
    if (isExecutable(joinRaw(directory, "run"))) return { kind: "run" };
    // Approved by its content, which a link does not hold.
    if (lstatIfThere(joinRaw(directory, "run"))?.isSymbolicLink()) {
      refuse("backend/run is a symbolic link");
    }
  }
  // Deno reads the first that is there, and no other one.
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

/** Not a link out of the directory, to code that nobody looked at, and no pipe that would keep us waiting. */
function isTaken(directory: Buffer, name: string, refuse: (why: string) => void): boolean {
  const found = findFileWithin(directory, name);
  if (found.kind === "refused") refuse(`backend/${name} ${found.message}`);
  return found.kind === "found";
}

/** PORT is a number in every other ecosystem; Deno and Node take a socket's path. */
function listenOf(launch: Launch): Listen {
  return launch.kind === "run" || launch.kind === "command" ? "either" : "socket";
}

function isExecutable(path: Buffer): boolean {
  const stat = lstatIfThere(path);
  return !!stat?.isFile() && (stat.mode & 0o111n) !== 0n;
}

/** Whether a JSON file has `section.key`. */
function mentions(directory: Buffer, name: string, section: string, key: string): boolean {
  const read = readFileWithin(directory, name);
  if (read.kind !== "read") return false;
  return parseJsonWithComments(read.content.toString(), section, key) !== undefined;
}
