import type { Layout } from "./layout.ts";

/** The first line of every `.envrc` that ikigai wrote; only files with it are ever rewritten or removed. */
export const ENVRC_MARK = "# Made by ikigai, which rewrites and removes this file.";

/** The file in a worktree's administrative directory that an `.envrc` loads: no branch can put one there. */
export const ENVIRONMENT_FILE = "ikigai.sh";

/** The line that loads ikigai's environment from a repository's own `.envrc` (direnv ≥ 2.32, any layout). */
export const TRACKED_ENVRC_LINE = `source_env_if_exists "$(git rev-parse --absolute-git-dir 2>/dev/null)/${ENVIRONMENT_FILE}"`;

/** The file by which a worktree's environment is known; without a slug, that of the project's owner. */
export function environmentPath(layout: Layout, slug?: string): string {
  // No slug begins with a dot, so that no worktree can be named as the owner's file is.
  return `${layout.environments}/${slug ?? ".project"}.sh`;
}

/**
 * One word of POSIX shell that stands for `text`, whatever it holds.
 * Throws a RangeError for NUL, which no environment can hold.
 */
export function quoteShell(text: string): string {
  if (text.includes("\0")) throw new RangeError("A value for the shell holds a NUL.");
  return `'${text.replaceAll("'", `'\\''`)}'`;
}

/**
 * The file that direnv loads: `export NAME='value'` lines and, with `bin`, that
 * directory first on PATH. Variables of `cleared` that it does not set are taken away. Plain POSIX shell, so that `.` in any script reads it too.
 * Throws a RangeError for a name that is no variable's or a value that holds a NUL.
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
      throw new RangeError(`${JSON.stringify(name)} is not the name of a variable.`);
    }
    return `export ${name}=${quoteShell(value)}\n`;
  });
  // PATH has no way to say a colon: such a directory would become two others.
  const reachable = bin !== undefined && !bin.includes(":");
  if (reachable) lines.push(`export PATH=${quoteShell(bin)}"\${PATH:+:$PATH}"\n`);
  return [...first, ...lines].join("");
}

/**
 * An `.envrc` that loads one environment file and is loaded again when it
 * changes. The path is absolute: a search upwards would end at whatever a
 * branch has put into its own tree.
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
 * Whether direnv may load an `.envrc` of this directory. Up to 2.32 it puts the
 * path between double quotes into a line of bash, and so runs a `$(…)` in it.
 */
export function isSafeForDirenv(directory: Uint8Array): boolean {
  return !directory.some((byte) => UNSAFE_BYTES.has(byte));
}

const UNSAFE_BYTES = new Set([...'$`"\\'].map((character) => character.charCodeAt(0)));

/** Whether a file's text is one that ikigai wrote, of this or an earlier version. */
export function isOwnEnvrc(text: string): boolean {
  return text.startsWith(`${ENVRC_MARK}\n`);
}
