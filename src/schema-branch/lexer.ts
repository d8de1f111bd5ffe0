/** A lexical element of SQL: its kind, and its offsets in the text. */
export interface Token {
  readonly kind: "word" | "quoted" | "string" | "escape" | "dollar" | "comment";
  readonly start: number;
  readonly end: number;
}

const WORD_START = /[A-Za-z_\u0080-\uffff]/;
const WORD = /[A-Za-z0-9_$\u0080-\uffff]/;

/**
 * Splits SQL or PL/pgSQL into words, quoted names, strings and comments by the rules of PostgreSQL's
 * documentation on lexical structure. Everything else is skipped.
 */
export function tokens(sql: string): Token[] {
  const found: Token[] = [];
  let at = 0;
  while (at < sql.length) {
    const start = at;
    const char = sql[at] as string;
    let kind: Token["kind"] | undefined;
    if (sql.startsWith("--", at)) {
      kind = "comment";
      at = indexAfter(sql, "\n", at);
    } else if (sql.startsWith("/*", at)) {
      kind = "comment";
      at = endOfComment(sql, at);
    } else if (char === "'" || char === '"') {
      kind = char === "'" ? "string" : "quoted";
      at = endOfQuote(sql, at + 1, char, false);
    } else if ((char === "e" || char === "E") && sql[at + 1] === "'") {
      kind = "escape";
      at = endOfQuote(sql, at + 2, "'", true);
    } else if (char === "$") {
      const tag = /^\$([A-Za-z_\u0080-\uffff][A-Za-z0-9_\u0080-\uffff]*)?\$/.exec(
        sql.slice(at),
      )?.[0];
      if (tag) kind = "dollar";
      at = tag ? indexAfter(sql, tag, at + tag.length) : at + 1;
    } else if (WORD_START.test(char)) {
      kind = "word";
      while (at < sql.length && WORD.test(sql[at] as string)) at++;
    } else if (/[0-9]/.test(char)) {
      while (at < sql.length && WORD.test(sql[at] as string)) at++;
    } else at++;
    if (kind) found.push({ kind, start, end: at });
  }
  return found;
}

function indexAfter(sql: string, text: string, from: number): number {
  const at = sql.indexOf(text, from);
  return at < 0 ? sql.length : at + text.length;
}

function endOfQuote(sql: string, from: number, quote: string, escapes: boolean): number {
  for (let at = from; at < sql.length; at++) {
    if (escapes && sql[at] === "\\") at++;
    else if (sql[at] === quote && sql[at + 1] === quote) at++;
    else if (sql[at] === quote) return at + 1;
  }
  return sql.length;
}

function endOfComment(sql: string, from: number): number {
  let depth = 0;
  for (let at = from; at < sql.length; at++) {
    if (sql.startsWith("/*", at)) {
      depth++;
      at++;
    } else if (sql.startsWith("*/", at)) {
      at++;
      if (--depth === 0) return at + 1;
    }
  }
  return sql.length;
}
