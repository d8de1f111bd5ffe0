import { readIfThere } from "../host/fs/files.ts";

/**
 * Reads the last value of a `core` key in a repository's own configuration (git-config(1), "Syntax"). Reads
 * no other files, which is enough for keys that cannot be set elsewhere. With extensions.worktreeConfig the
 * main worktree's keys are in config.worktree.
 */
export function coreValue(commonDir: string, key: string): string | undefined {
  return ["config", "config.worktree"]
    .flatMap((file) => valuesIn(readIfThere(`${commonDir}/${file}`)?.toString() ?? "", key))
    .at(-1);
}

/** Reads a boolean `core` key as git does: a key without a value is true. */
export function isCoreTrue(commonDir: string, key: string): boolean {
  return /^(true|yes|on|[1-9]\d*)?$/i.test(coreValue(commonDir, key) ?? "false");
}

function valuesIn(text: string, key: string): string[] {
  let inCore = false;
  // A backslash at the end of a line continues it.
  return text
    .replace(/\\\r?\n/g, "")
    .split(/\r?\n/)
    .flatMap((line) => {
      const section = /^\s*\[\s*([^\]"\s]*)\s*("[\s\S]*")?\s*\](.*)$/.exec(line);
      if (section) inCore = section[1]?.toLowerCase() === "core" && section[2] === undefined;
      const rest = section ? (section[3] ?? "") : line;
      const entry = /^\s*([A-Za-z][A-Za-z0-9-]*)\s*(?:=\s*(.*))?$/.exec(rest);
      if (!inCore || entry?.[1]?.toLowerCase() !== key) return [];
      return [plainValue(entry[2] ?? "")];
    });
}

/** Removes quotes, escapes and a trailing comment from a value. */
function plainValue(raw: string): string {
  let value = "";
  let quoted = false;
  let kept = 0;
  for (let i = 0; i < raw.length; i++) {
    const c = raw[i] ?? "";
    if (!quoted && (c === "#" || c === ";")) break;
    if (c === '"') quoted = !quoted;
    else if (c === "\\") value += ESCAPES[raw[++i] ?? ""] ?? raw[i] ?? "";
    else value += c;
    if (quoted || !/\s/.test(c)) kept = value.length;
  }
  return value.slice(0, kept);
}

const ESCAPES: Readonly<Record<string, string>> = { n: "\n", t: "\t", b: "\b" };
