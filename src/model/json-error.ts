/** Where a text stops being JSON, and why. Lines and columns count from 1. */
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

/** The first error of a JSON text; undefined where it is one. The parser's own words differ with its version. */
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
    throw new Stop(where, where >= text.length ? "it ends too soon" : reason);
  };
  const string = (what: string) => {
    if (next() !== '"') stop(next() === "'" ? "a text takes double quotes" : `${what} is missing`);
    if (!skip(STRING)) stop("a text is not closed, or holds what must be escaped");
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
    else if (first === '"') string("a text");
    else if (first === "/") stop("JSON has no comments");
    else if (!skip(PLAIN)) stop("a value is missing, or is none of JSON's");
  };
  try {
    value();
    if (next() !== undefined) stop("something follows the end");
    return undefined;
  } catch (error) {
    if (!(error instanceof Stop)) return { line: 1, column: 1, reason: "it is nested too deeply" };
    const before = text.slice(0, error.at).split("\n");
    const column = (before.at(-1)?.length ?? 0) + 1;
    return { line: before.length, column, reason: error.message };
  }
}
