/**
 * Quotes any value as one word of nginx's configuration. Does not escape `$`: give directives that expand
 * variables relative paths.
 */
export function quoted(value: string): string {
  return `"${value.replace(/["\\]/g, "\\$&")}"`;
}

/** Indents the lines of a block; empty lines stay empty. */
export function indented(text: string, depth = 1): string {
  return text.replace(/^(?=.)/gm, "  ".repeat(depth));
}
