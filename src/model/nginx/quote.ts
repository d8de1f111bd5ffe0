/**
 * A value as one word of nginx' configuration, whatever it holds. Directives
 * that evaluate variables would still see a `$`: give those relative paths.
 */
export function quoted(value: string): string {
  return `"${value.replace(/["\\]/g, "\\$&")}"`;
}

/** Lines of a block, moved to the right; empty lines stay empty. */
export function indented(text: string, depth = 1): string {
  return text.replace(/^(?=.)/gm, "  ".repeat(depth));
}
