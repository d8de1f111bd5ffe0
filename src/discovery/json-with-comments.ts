/** What a JSON text has at some keys, one inside the other; comments are allowed, as deno.jsonc has them. */
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

/** Strings are matched first so that `//` inside one stays. */
function withoutComments(text: string): string {
  return text
    .replace(/("(?:[^"\\]|\\.)*")|\/\/[^\n]*|\/\*[\s\S]*?\*\//g, (_, string) => string ?? "")
    .replace(/("(?:[^"\\]|\\.)*")|,(\s*[}\]])/g, (_, string, tail) => string ?? tail);
}
