import fs from "node:fs";
import table from "./package-managers.json" with { type: "json" };

/** What can be missing; `runsvdir` stands for runit, `postgres` for its server programs. */
export type ProgramName = "nginx" | "postgres" | "runsvdir" | "direnv" | "git" | "curl";

/** How packages are installed on one kind of system; scripts/managers.js reads the same table. */
export interface PackageManager {
  readonly name: string;
  readonly program: string;
  /** Lists of packages may be missing, or old. */
  readonly refresh?: string;
  readonly install: string;
  /** Homebrew refuses root. */
  readonly root: boolean;
  /** What differs from our names; null where the system does not package it. */
  readonly packages: Readonly<Record<string, string | null>>;
  /** Where that comes from then. */
  readonly note?: string;
}

export const PACKAGE_MANAGERS: readonly PackageManager[] = table;

/** The package manager whose program is on PATH; undefined where none of the known ones is. */
export function packageManager(path: string): PackageManager | undefined {
  const places = [...path.split(":"), "/usr/bin", "/sbin", "/opt/homebrew/bin"];
  return PACKAGE_MANAGERS.find(({ program }) =>
    places.some((place) => place !== "" && fs.existsSync(`${place}/${program}`)),
  );
}

/** The line that a person types to install what programs come with, and from where the rest comes. */
export function installCommand(
  manager: PackageManager,
  programs: readonly ProgramName[],
  isRoot: boolean = process.getuid?.() === 0,
): string {
  const names = programs.map((name) => REQUIREMENTS[name] ?? name);
  const packages = names
    .map((name) => (name in manager.packages ? manager.packages[name] : name))
    .filter((name) => typeof name === "string");
  const missing = packages.length < names.length ? (manager.note ?? "") : "";
  if (packages.length === 0) return missing;
  const sudo = manager.root && !isRoot ? "sudo " : "";
  const refresh = manager.refresh ? `${sudo}${manager.refresh} && ` : "";
  const rest = missing && `   # ${missing}`;
  return `${refresh}${sudo}${manager.install} ${packages.join(" ")}${rest}`;
}

const REQUIREMENTS: Readonly<Partial<Record<ProgramName, string>>> = {
  postgres: "postgresql",
  runsvdir: "runit",
};
