import fs from "node:fs";
import table from "./package-managers.json" with { type: "json" };

/** Programs that can be missing; `runsvdir` stands for runit, `postgres` for the server programs. */
export type ProgramName = "nginx" | "postgres" | "runsvdir" | "direnv" | "git" | "curl";

/** How packages are installed on one kind of system; scripts/managers.js reads the same table. */
export interface PackageManager {
  readonly name: string;
  readonly program: string;
  /** Updates the package lists, which may be missing or outdated. */
  readonly refresh?: string;
  readonly install: string;
  /** Whether it needs root; Homebrew refuses root. */
  readonly root: boolean;
  /** Package names that differ from ours; null if the system has no such package. */
  readonly packages: Readonly<Record<string, string | null>>;
  /** Where to get what the system does not package. */
  readonly note?: string;
}

export const PACKAGE_MANAGERS: readonly PackageManager[] = table;

/** Finds the package manager whose program is on PATH; undefined if it is none of the known ones. */
export function packageManager(path: string): PackageManager | undefined {
  const places = [...path.split(":"), "/usr/bin", "/sbin", "/opt/homebrew/bin"];
  return PACKAGE_MANAGERS.find(({ program }) =>
    places.some((place) => place !== "" && fs.existsSync(`${place}/${program}`)),
  );
}

/**
 * Returns the command line that installs the packages of these programs, with a note on those that are not
 * packaged.
 */
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
