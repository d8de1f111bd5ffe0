/**
 * A raw name for a terminal: control characters, bidirectional overrides and
 * line separators are written as escapes, so that no name can move the cursor,
 * recolour the screen or read as another.
 */
export function printable(text: string): string {
  return text.replace(UNSAFE, (c) => `\\u{${(c.codePointAt(0) ?? 0).toString(16)}}`);
}

const UNSAFE = /[\p{Cc}\p{Cf}\p{Zl}\p{Zp}\p{Co}\p{Cs}\u{FFFD}]/gu;
