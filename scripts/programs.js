import { accessSync, constants, readdirSync, statSync } from "node:fs";
import { join } from "node:path";

/**
 * What ikigai runs, and what only its tests, fault tests or measurements use (`only`), with the programs
 * whose presence proves it.
 */
const requirements = [
  { name: "nginx", programs: ["nginx"] },
  { name: "postgresql", programs: ["postgres", "initdb", "pg_ctl", "psql"] },
  { name: "runit", programs: ["runsvdir", "runsv", "sv", "svlogd", "chpst"] },
  { name: "direnv", programs: ["direnv"] },
  { name: "curl", programs: ["curl"] },
  { name: "zsh", programs: ["zsh"], only: "tests" },
  { name: "fish", programs: ["fish"], only: "tests" },
  { name: "tmux", programs: ["tmux"], only: "tests" },
  { name: "strace", programs: ["strace"], only: "faults" },
  { name: "faketime", programs: ["faketime"], only: "faults" },
  { name: "wrk", programs: ["wrk"], only: "bench" },
];

const fixed = [
  "/usr/local/sbin",
  "/usr/local/bin",
  "/usr/sbin",
  "/usr/bin",
  "/sbin",
  "/bin",
  "/opt/homebrew/bin",
  "/usr/local/nginx/sbin",
  "/usr/local/pgsql/bin",
];

// Where systems keep PostgreSQL's server programs: Debian, Fedora and PGDG, Alpine, Homebrew.
const versioned = [
  ["/usr/lib/postgresql", /^\d+$/, "bin"],
  ["/usr", /^pgsql-\d+$/, "bin"],
  ["/usr/libexec", /^postgresql\d*$/, ""],
  ["/opt/homebrew/opt", /^postgresql(@\d+)?$/, "bin"],
  ["/usr/local/opt", /^postgresql(@\d+)?$/, "bin"],
];

function entries(directory) {
  try {
    return readdirSync(directory);
  } catch {
    return [];
  }
}

function directories() {
  const path = (process.env.PATH ?? "").split(":").filter(Boolean);
  const found = versioned.flatMap(([parent, pattern, sub]) =>
    entries(parent)
      .filter((name) => pattern.test(name))
      .sort((a, b) => b.localeCompare(a, "en", { numeric: true }))
      .map((name) => join(parent, name, sub)),
  );
  return [...new Set([...path, ...fixed, ...found])];
}

function isExecutable(file) {
  try {
    accessSync(file, constants.X_OK);
    return statSync(file).isFile();
  } catch {
    return false;
  }
}

/** Returns the path of a program, searching PATH and then the usual directories; undefined if not found. */
export function findProgram(name) {
  return directories()
    .map((directory) => join(directory, name))
    .find(isExecutable);
}

/**
 * Returns the requirements of ikigai itself and of these purposes.
 *
 * @param {readonly ("tests" | "faults" | "bench")[]} purposes
 */
export function requirementsFor(purposes) {
  return requirements.filter(({ only }) => only === undefined || purposes.includes(only));
}

/** Returns the requirements of which a program is missing. */
export function missingRequirements(purposes) {
  return requirementsFor(purposes).filter(({ programs }) =>
    programs.some((program) => findProgram(program) === undefined),
  );
}
