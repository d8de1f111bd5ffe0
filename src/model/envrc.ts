import type { Layout } from "./layout.ts";

/** The first line of every `.envrc` written by ikigai; only files with it are rewritten or removed. */
export const ENVRC_MARK = "# Made by ikigai, which rewrites and removes this file.";

/** The file that an `.envrc` loads; it is in the administrative directory, which no branch can write to. */
export const ENVIRONMENT_FILE = "ikigai.sh";

/** The line by which a repository's own `.envrc` loads ikigai's environment (direnv ≥ 2.32, any layout). */
export const TRACKED_ENVRC_LINE = `source_env_if_exists "$(git rev-parse --absolute-git-dir 2>/dev/null)/${ENVIRONMENT_FILE}"`;

/** Returns the environment file of a worktree, or of the project's owner if `slug` is undefined. */
export function environmentPath(layout: Layout, slug?: string): string {
  // Slugs do not start with a dot, so no worktree's file can have this name.
  return `${layout.environments}/${slug ?? ".project"}.sh`;
}

/**
 * Quotes any text as one word of POSIX shell.
 *
 * @throws RangeError for NUL, which no environment variable can contain
 */
export function quoteShell(text: string): string {
  if (text.includes("\0")) throw new RangeError("A value for the shell contains NUL.");
  return `'${text.replaceAll("'", `'\\''`)}'`;
}

/**
 * Renders an environment file: `export NAME='value'` lines in POSIX shell, so that any script can source it.
 *
 * @param bin a directory to put first on PATH
 * @param cleared variables to unset unless `variables` sets them
 * @throws RangeError for an invalid name, or a value with NUL
 */
export function environmentFile(
  variables: Readonly<Record<string, string>>,
  bin?: string,
  cleared: readonly string[] = [],
): string {
  const foreign = cleared.filter((name) => !(name in variables));
  const first = foreign.length > 0 ? [`unset ${foreign.join(" ")}\n`] : [];
  const lines = Object.entries(variables).map(([name, value]) => {
    if (!/^[A-Za-z_][A-Za-z0-9_]*$/.test(name)) {
      throw new RangeError(`${JSON.stringify(name)} is not a valid variable name.`);
    }
    return `export ${name}=${quoteShell(value)}\n`;
  });
  // PATH cannot escape a colon: such a directory would be read as two others.
  const reachable = bin !== undefined && !bin.includes(":");
  if (reachable) lines.push(`export PATH=${quoteShell(bin)}"\${PATH:+:$PATH}"\n`);
  return [...first, ...lines].join("");
}

/**
 * Renders an `.envrc` that loads one environment file, and again when that changes. The path is absolute,
 * because a search upwards would find files that a branch has put into its own tree.
 */
export function renderEnvrc(file: string): string {
  const quoted = quoteShell(file);
  return `${ENVRC_MARK}
watch_file ${quoted}
if [[ -r ${quoted} ]]; then
  . ${quoted}
else
  log_status 'ikigai has no environment for this directory yet; type: ikigai start'
fi
`;
}

/**
 * Tells whether direnv may load an `.envrc` in this directory. Up to 2.32 it inserts the path into a line of
 * bash between double quotes, and so runs a `$(…)` in it.
 */
export function isSafeForDirenv(directory: Uint8Array): boolean {
  return !directory.some((byte) => UNSAFE_BYTES.has(byte));
}

const UNSAFE_BYTES = new Set([...'$`"\\'].map((character) => character.charCodeAt(0)));

/** Tells whether a text was written by this or an earlier version of ikigai. */
export function isOwnEnvrc(text: string): boolean {
  return text.startsWith(`${ENVRC_MARK}\n`);
}
