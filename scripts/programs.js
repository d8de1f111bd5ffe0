import { accessSync, constants, readdirSync, statSync } from "node:fs";
import { join } from "node:path";

/**
 * What ikigai runs (`tests: false`) and what only its tests use, each by the programs that
 * prove it is there.
 */
const requirements = [
  { name: "nginx", programs: ["nginx"], tests: false },
  { name: "postgresql", programs: ["postgres", "initdb", "pg_ctl", "psql"], tests: false },
  { name: "runit", programs: ["runsvdir", "runsv", "sv", "svlogd", "chpst"], tests: false },
  { name: "direnv", programs: ["direnv"], tests: false },
  { name: "curl", programs: ["curl"], tests: false },
  { name: "zsh", programs: ["zsh"], tests: true },
  { name: "fish", programs: ["fish"], tests: true },
  { name: "tmux", programs: ["tmux"], tests: true },
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

/** The file of a program, or undefined: on PATH first, then where systems keep it. */
export function findProgram(name) {
  return directories()
    .map((directory) => join(directory, name))
    .find(isExecutable);
}

/** The requirements of which a program is not there. */
export function missingRequirements({ tests }) {
  return requirements.filter(
    (requirement) =>
      (tests || !requirement.tests) &&
      requirement.programs.some((program) => findProgram(program) === undefined),
  );
}
