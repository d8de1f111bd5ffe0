/**
 * Escapes control characters, bidirectional overrides and line separators of a name, so that printing it
 * cannot move the cursor, recolour the screen or imitate another name.
 */
export function printable(text: string): string {
  return text.replace(UNSAFE, (c) => `\\u{${(c.codePointAt(0) ?? 0).toString(16)}}`);
}

const UNSAFE = /[\p{Cc}\p{Cf}\p{Zl}\p{Zp}\p{Co}\p{Cs}\u{FFFD}]/gu;

/** Does the same for a text of several lines; keeps line ends and tabs. */
export function printableLines(text: string): string {
  return text.replace(/\r\n/g, "\n").replace(/[^\n\t]+/g, printable);
}

/**
 * Does the same for text that may be coloured, such as logs; keeps colours but no other control sequences.
 */
export function printableColoured(text: string): string {
  const parts = text.split(COLOUR);
  return parts.map((part, i) => (i % 2 === 0 ? printableLines(part) : part)).join("");
}

/** Select Graphic Rendition (ECMA-48, 8.3.117). */
const COLOUR = /(\u001b\[[0-9;:]*m)/;

/**
 * Renders indented JSON; escapes characters that a terminal would interpret or hide, which keeps the values.
 */
export function printableJson(value: unknown): string {
  return `${JSON.stringify(value, null, 2)}\n`.replace(HIDDEN, (unit) =>
    [...Array(unit.length).keys()]
      .map((i) => `\\u${unit.charCodeAt(i).toString(16).padStart(4, "0")}`)
      .join(""),
  );
}

/** JSON.stringify itself escapes characters below a space. */
const HIDDEN = /[\u007f-\u009f\p{Cf}\p{Zl}\p{Zp}]/gu;
