/**
 * A marked block of our lines in a user's text file that can be removed without a trace. Pure functions;
 * texts are latin1, so that every byte survives.
 */

const OPEN = "# >>> ikigai";
const CLOSE = "# <<< ikigai <<<\n";
// No line of the body may be a mark, so that half a block never swallows what follows it.
const BLOCK =
  /^# >>> ikigai(?: \(([^)\n]*)\))? >>>\n((?:(?!# (?:>>>|<<<) ikigai).*\n)*)# <<< ikigai <<<(?:\n|$)/m;
const MARK = /^# (?:>>>|<<<) ikigai\b.* (?:>>>|<<<)$/m;
const NEWLINE_ADDED = "line feed added";

/** A text split around our block. */
export interface MarkedBlock {
  readonly before: string;
  /** The text in brackets in the opening mark: what removal must undo besides the block. */
  readonly note: string;
  /** The lines between the marks. */
  readonly body: string;
  readonly after: string;
}

/** Renders a block; `body` ends with a line feed. */
export function markedBlock(body: string, note = ""): string {
  return `${OPEN}${note ? ` (${note})` : ""} >>>\n${body}${CLOSE}`;
}

/** Finds our first block in a text. */
export function findBlock(text: string): MarkedBlock | undefined {
  const found = BLOCK.exec(text);
  if (!found) return undefined;
  const { index, 0: whole, 1: note = "", 2: body = "" } = found;
  return { before: text.slice(0, index), note, body, after: text.slice(index + whole.length) };
}

/** Tells whether the text has one of our marks without its counterpart. */
export function hasTornBlock(text: string): boolean {
  return MARK.test(withoutBlocks(text));
}

/** Places a block between `head`, which need not end with a line feed, and `tail`. */
export function placeBlock(head: string, body: string, tail = ""): string {
  const torn = head !== "" && !head.endsWith("\n");
  return `${head}${torn ? "\n" : ""}${markedBlock(body, torn ? NEWLINE_ADDED : "")}${tail}`;
}

/**
 * Completes a text that ends with the beginning of a block, as a crash leaves it; undefined for any other
 * text.
 */
export function wholeBlockAt(
  text: string,
  body: string,
  notes: readonly string[],
): string | undefined {
  const at = text.lastIndexOf(OPEN);
  if (at < 0 || (at > 0 && text[at - 1] !== "\n")) return undefined;
  const blocks = [...notes, NEWLINE_ADDED].map((note) => markedBlock(body, note));
  const whole = blocks.find((block) => block.startsWith(text.slice(at)));
  return whole === undefined ? undefined : text.slice(0, at) + whole;
}

/** Returns the text as it was before `placeBlock`, with what others have added since. */
export function withoutBlocks(text: string): string {
  const block = findBlock(text);
  if (!block) return text;
  const { before, note, after } = block;
  const ours = note === NEWLINE_ADDED && after === "" && before.endsWith("\n");
  return withoutBlocks((ours ? before.slice(0, -1) : before) + after);
}
