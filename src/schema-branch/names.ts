import { tokens } from "./lexer.ts";
import { ident } from "./sql.ts";

const EDGE = /[A-Za-z0-9_$\u0080-\uffff]/;

/** Returns the offsets at which `name` occurs in a text as a whole word, ignoring case. */
function mentions(text: string, name: string): number[] {
  const found: number[] = [];
  const low = text.toLowerCase();
  for (let at = low.indexOf(name); at >= 0; at = low.indexOf(name, at + 1)) {
    const before = text[at - 1];
    const after = text[at + name.length];
    if ((before && EDGE.test(before)) || (after && EDGE.test(after))) continue;
    found.push(at);
  }
  return found;
}

/**
 * Replaces the schema name `from` by `to` in a function's body: as a word, as a quoted name, and as a whole
 * word in strings (dynamic SQL). Does not change comments. Returns null if the body does not mention it.
 */
export function renameInBody(body: string, from: string, to: string): string | null {
  let out = "";
  let done = 0;
  let count = 0;
  for (const token of tokens(body)) {
    const text = body.slice(token.start, token.end);
    let next = text;
    if (token.kind === "word" && text.toLowerCase() === from) next = bare(to);
    else if (token.kind === "quoted" && text === ident(from)) next = ident(to);
    else if (token.kind === "string" || token.kind === "escape" || token.kind === "dollar")
      next = renameInString(text, from, to, token.kind === "escape");
    if (next === text) continue;
    out += body.slice(done, token.start) + next;
    done = token.end;
    count++;
  }
  return count === 0 ? null : out + body.slice(done);
}

function bare(name: string): string {
  return /^[a-z_][a-z0-9_]*$/.test(name) ? name : ident(name);
}

function renameInString(text: string, from: string, to: string, escapes: boolean): string {
  // `
  // ` before the name is an escape, not a letter of a longer word.
  const plain = escapes ? text.replace(/\\[\s\S]/g, "  ") : text;
  let out = "";
  let done = 0;
  for (const at of mentions(plain, from)) {
    out += text.slice(done, at) + to;
    done = at + from.length;
  }
  return out + text.slice(done);
}

/**
 * Returns the string constants in a definition that mention the schema; renaming the schema does not change
 * these.
 */
export function stringsNaming(sql: string, name: string): string[] {
  return tokens(sql)
    .filter((token) => ["string", "escape", "dollar"].includes(token.kind))
    .map((token) => sql.slice(token.start, token.end))
    .filter((text) => mentions(text, name).length > 0);
}

/** Tells whether a text in another language than SQL mentions the schema. */
export function mentioned(text: string, name: string): boolean {
  return mentions(text, name).length > 0;
}
