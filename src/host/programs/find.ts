import fs from "node:fs";
import { dirname } from "node:path";
import { execa } from "execa";
import {
  installCommand,
  type PackageManager,
  type ProgramName,
  packageManager,
} from "./package-manager.ts";

/** Absolute paths of all programs that ikigai starts; `postgresBin` is a directory. */
export interface Programs {
  readonly nginx: string;
  readonly postgresBin: string;
  readonly runsvdir: string;
  readonly runsv: string;
  readonly sv: string;
  readonly chpst: string;
  readonly svlogd: string;
  readonly direnv: string;
  readonly git: string;
  readonly curl: string;
}

/**
 * Paths from the configuration, used instead of a search. git, direnv and curl have none: users and their
 * hooks call them too, so those on PATH are used.
 */
export type GivenPrograms = {
  readonly [name in "nginx" | "postgres" | "runsvdir"]?: string | undefined;
};

/** Programs were not found, or configured paths are wrong; the message names all of them. */
export class MissingPrograms extends Error {
  override readonly name = "MissingPrograms";
  readonly missing: readonly ProgramName[];
  /** The command that installs them; undefined if no known package manager was found. */
  readonly install: string | undefined;
  /** What is wrong with the configured paths. */
  readonly reasons: readonly string[];
  readonly next: string;

  constructor(missing: readonly ProgramName[], reasons: string[], manager?: PackageManager) {
    const install = manager && installCommand(manager, missing);
    // If all are configured, an installed program would not be used.
    const next =
      reasons.length === missing.length
        ? "correct the paths in .ikigairc.json, or take them out"
        : (install ?? "install them with the system's package manager");
    super(
      `Not found on this machine: ${missing.join(", ")}\n${reasons.map((reason) => `  ${reason}\n`).join("")}  next: ${next}`,
    );
    this.missing = missing;
    this.install = install;
    this.reasons = reasons;
    this.next = next;
  }
}

const RUNIT = ["runsvdir", "runsv", "sv", "chpst", "svlogd"] as const;
const POSTGRES = ["postgres", "initdb", "pg_ctl", "psql"] as const;
const PLACES = [
  ...["/usr/local/sbin", "/usr/local/bin", "/usr/sbin", "/usr/bin", "/sbin", "/bin"],
  ...["/usr/libexec", "/opt/homebrew/bin", "/opt/homebrew/sbin", "/home/linuxbrew/.linuxbrew/bin"],
];
const POSTGRES_PLACES = [
  "/usr/lib/postgresql/*/bin",
  "/usr/pgsql-*/bin",
  "/usr/libexec/postgresql*",
  "/opt/homebrew/opt/postgresql@*/bin",
  "/usr/local/opt/postgresql@*/bin",
  "/home/linuxbrew/.linuxbrew/opt/postgresql@*/bin",
];

/**
 * Finds all programs, wherever the system keeps them.
 *
 * @throws MissingPrograms listing all that are missing
 */
export function findPrograms(
  given: GivenPrograms = {},
  path: string = process.env.PATH ?? "",
): Programs {
  const missing = new Set<ProgramName>();
  const reasons: string[] = [];
  const take = (name: ProgramName, found: string | undefined): string => {
    if (found !== undefined) return found;
    missing.add(name);
    const wanted = (given as Readonly<Record<string, string | undefined>>)[name];
    if (wanted)
      reasons.push(`${name}: the configuration says ${wanted}, and ${whyNot(name, wanted)}`);
    return "";
  };
  const single = (name: ProgramName, chosen?: string) =>
    take(name, chosen ? runnable(chosen) : onPath(name, path));
  const runsvdir = single("runsvdir", given.runsvdir);
  // The five belong together: looks beside the first, then elsewhere.
  const sibling = (name: string) =>
    take(
      "runsvdir",
      runnable(`${runsvdir.slice(0, runsvdir.lastIndexOf("/"))}/${name}`) ?? onPath(name, path),
    );
  const [, runsv = "", sv = "", chpst = "", svlogd = ""] = RUNIT.map((name) =>
    name === "runsvdir" || runsvdir === "" ? runsvdir : sibling(name),
  );
  const programs = {
    ...{ nginx: single("nginx", given.nginx), runsvdir, runsv, sv, chpst, svlogd },
    postgresBin: take("postgres", findPostgres(given.postgres, path)),
    ...{ direnv: single("direnv"), git: single("git"), curl: single("curl") },
  };
  if (missing.size > 0) throw new MissingPrograms([...missing], reasons, packageManager(path));
  return programs;
}

/** Says what is wrong with a configured path. */
function whyNot(name: ProgramName, path: string): string {
  if (name !== "postgres") return "that is no program";
  if (!fs.statSync(path, { throwIfNoEntry: false })?.isDirectory()) return "that is no directory";
  const lacking = POSTGRES.filter((program) => !runnable(`${path}/${program}`));
  return `that has no ${lacking.join(", no ")} (postgres.bin; it has to hold ${POSTGRES.join(", ")})`;
}

/** Returns PATH with the directories of git, direnv and curl appended, since these are called by name. */
export function pathTo({ git, direnv, curl }: Programs, path: string): string {
  const places = path.split(":").filter((place) => place !== "");
  return [...new Set([...places, ...[git, direnv, curl].map(dirname)])].join(":");
}

/** Returns the programs' versions, such as "1.22.1"; "" if a program prints none. */
export async function programVersions(programs: Programs): Promise<Record<string, string>> {
  const asked: [string, string, string][] = [
    ["nginx", programs.nginx, "-v"],
    ["postgres", `${programs.postgresBin}/postgres`, "-V"],
    ["direnv", programs.direnv, "version"],
    ["git", programs.git, "--version"],
    ["curl", programs.curl, "--version"],
  ];
  const answers = await Promise.all(
    asked.map(async ([name, program, flag]) => {
      const { all } = await execa(program, [flag], { reject: false, all: true, stdin: "ignore" });
      return [name, /\d+(?:\.\d+)+/.exec(all)?.[0] ?? ""] as const;
    }),
  );
  return Object.fromEntries(answers);
}

/**
 * Finds a program on PATH or in the usual system directories, some of which are not on ordinary users' PATH.
 */
function onPath(name: string, path: string): string | undefined {
  const places = [...path.split(":").filter((place) => place.startsWith("/")), ...PLACES];
  for (const place of places) {
    // Skips our own controls, which have the same names.
    if (place.endsWith("/.ikigai/bin")) continue;
    const found = runnable(`${place}/${name}`);
    if (found) return found;
  }
  return undefined;
}

function runnable(path: string): string | undefined {
  try {
    fs.accessSync(path, fs.constants.X_OK);
    return fs.statSync(path).isFile() ? path : undefined;
  } catch {
    return undefined;
  }
}

/**
 * Finds the directory with all programs, as clients alone are not enough: the first on PATH, else the newest.
 */
function findPostgres(given: string | undefined, path: string): string | undefined {
  const whole = (directory: string) => POSTGRES.every((name) => runnable(`${directory}/${name}`));
  if (given) return whole(given) ? given : undefined;
  const onItsPath = path.split(":").filter((place) => place.startsWith("/") && whole(place))[0];
  const newest = POSTGRES_PLACES.flatMap(expand)
    .filter(whole)
    .sort((a, b) => majorOf(b) - majorOf(a))[0];
  return onItsPath ?? newest ?? PLACES.find(whole);
}

/** Replaces the one `*` of a path by each existing match. */
function expand(place: string): string[] {
  const [before = "", after = ""] = place.split("*");
  const directory = before.slice(0, before.lastIndexOf("/"));
  const start = before.slice(directory.length + 1);
  try {
    return fs
      .readdirSync(directory)
      .filter((name) => name.startsWith(start))
      .map((name) => `${directory}/${name}${after}`);
  } catch {
    return [];
  }
}

function majorOf(directory: string): number {
  return Number(/(\d+)(?!.*\d)/.exec(directory)?.[1] ?? 0);
}
