/**
 * A raw name for a terminal: control characters, bidirectional overrides and
 * line separators are written as escapes, so that no name can move the cursor,
 * recolour the screen or read as another.
 */
export function printable(text: string): string {
  return text.replace(UNSAFE, (c) => `\\u{${(c.codePointAt(0) ?? 0).toString(16)}}`);
}

const UNSAFE = /[\p{Cc}\p{Cf}\p{Zl}\p{Zp}\p{Co}\p{Cs}\u{FFFD}]/gu;

/** The same of a text of several lines: their ends and tabs stay. */
export function printableLines(text: string): string {
  return text.replace(/\r\n/g, "\n").replace(/[^\n\t]+/g, printable);
}

/** The same for what is coloured on purpose, as logs are: colours stay, and no other order to a terminal. */
export function printableColoured(text: string): string {
  const parts = text.split(COLOUR);
  return parts.map((part, i) => (i % 2 === 0 ? printableLines(part) : part)).join("");
}

/** Select Graphic Rendition (ECMA-48, 8.3.117). */
const COLOUR = /(\u001b\[[0-9;:]*m)/;

/** JSON to read; what a terminal would obey or hide is escaped, which means the same. */
export function printableJson(value: unknown): string {
  return `${JSON.stringify(value, null, 2)}\n`.replace(HIDDEN, (unit) =>
    [...Array(unit.length).keys()]
      .map((i) => `\\u${unit.charCodeAt(i).toString(16).padStart(4, "0")}`)
      .join(""),
  );
}

/** JSON escapes what is below a space by itself. */
const HIDDEN = /[\u007f-\u009f\p{Cf}\p{Zl}\p{Zp}]/gu;
