/** The position and reason of a syntax error. Lines and columns count from 1. */
export interface JsonError {
  readonly line: number;
  readonly column: number;
  readonly reason: string;
}

const SPACE = /[ \t\r\n]*/y;
const STRING = /"(?:[^"\\\u0000-\u001f]|\\(?:["\\/bfnrt]|u[0-9a-fA-F]{4}))*"/y;
const PLAIN = /-?(?:0|[1-9]\d*)(?:\.\d+)?(?:[eE][+-]?\d+)?|true|false|null/y;

class Stop extends Error {
  readonly at: number;

  constructor(at: number, reason: string) {
    super(reason);
    this.at = at;
  }
}

/**
 * Finds the first syntax error of a JSON text; undefined if there is none. JSON.parse's messages differ by
 * version.
 */
export function jsonError(text: string): JsonError | undefined {
  let at = 0;
  const skip = (pattern: RegExp): boolean => {
    pattern.lastIndex = at;
    const found = pattern.exec(text);
    if (found) at += found[0].length;
    return found !== null && found[0].length > 0;
  };
  const next = () => {
    skip(SPACE);
    return text[at];
  };
  const stop = (reason: string, where = at): never => {
    throw new Stop(where, where >= text.length ? "unexpected end" : reason);
  };
  const string = (what: string) => {
    if (next() !== '"') stop(next() === "'" ? "strings need double quotes" : `${what} is missing`);
    if (!skip(STRING)) stop("a string is not closed, or contains an unescaped character");
  };
  const members = (end: string, one: () => void) => {
    at += 1;
    if (next() === end) {
      at += 1;
      return;
    }
    for (;;) {
      one();
      skip(SPACE);
      const comma = at;
      if (text[at] === end) {
        at += 1;
        return;
      }
      if (text[at] !== ",") stop(`a comma or ${end} is missing`);
      at += 1;
      if (next() === end) stop("a trailing comma is not allowed in JSON", comma);
    }
  };
  const value = (): void => {
    const first = next();
    if (first === "{") {
      members("}", () => {
        string("a key in double quotes");
        if (next() !== ":") stop("a colon is missing");
        at += 1;
        value();
      });
    } else if (first === "[") members("]", value);
    else if (first === '"') string("a string");
    else if (first === "/") stop("comments are not allowed in JSON");
    else if (!skip(PLAIN)) stop("a value is missing or invalid");
  };
  try {
    value();
    if (next() !== undefined) stop("unexpected text after the end");
    return undefined;
  } catch (error) {
    if (!(error instanceof Stop)) return { line: 1, column: 1, reason: "it is nested too deeply" };
    const before = text.slice(0, error.at).split("\n");
    const column = (before.at(-1)?.length ?? 0) + 1;
    return { line: before.length, column, reason: error.message };
  }
}
