/**
 * Reads the value at a path of keys in a JSON text with comments, such as deno.jsonc; undefined if invalid.
 */
export function parseJsonWithComments(text: string, ...keys: readonly string[]): unknown {
  try {
    let value: unknown = JSON.parse(withoutComments(text));
    for (const key of keys) {
      if (!isRecord(value) || !Object.hasOwn(value, key)) return undefined;
      value = value[key];
    }
    return value;
  } catch {
    return undefined;
  }
}

function isRecord(value: unknown): value is Record<string, unknown> {
  return typeof value === "object" && value !== null;
}

/** Removes comments and trailing commas; matches strings first, so that `//` in a string stays. */
function withoutComments(text: string): string {
  return text
    .replace(/("(?:[^"\\]|\\.)*")|\/\/[^\n]*|\/\*[\s\S]*?\*\//g, (_, string) => string ?? "")
    .replace(/("(?:[^"\\]|\\.)*")|,(\s*[}\]])/g, (_, string, tail) => string ?? tail);
}
