import { readIfThere } from "../host/fs/files.ts";

/**
 * The last value of a `core` key in a repository's own configuration
 * (git-config(1), "Syntax"); enough for what cannot lie anywhere else. With
 * extensions.worktreeConfig the main worktree's own keys are in config.worktree.
 */
export function coreValue(commonDir: string, key: string): string | undefined {
  return ["config", "config.worktree"]
    .flatMap((file) => valuesIn(readIfThere(`${commonDir}/${file}`)?.toString() ?? "", key))
    .at(-1);
}

/** As git reads a boolean: a key without a value is true. */
export function isCoreTrue(commonDir: string, key: string): boolean {
  return /^(true|yes|on|[1-9]\d*)?$/i.test(coreValue(commonDir, key) ?? "false");
}

function valuesIn(text: string, key: string): string[] {
  let inCore = false;
  // A backslash at a line's end goes on in the next.
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

/** Without quotes, escapes and a comment behind it. */
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
