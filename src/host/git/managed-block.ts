/**
 * A few lines of ours in somebody else's text file, between two marks, that can be taken out again
 * without a trace. Pure; texts are latin1 so that every byte survives.
 */

const OPEN = "# >>> ikigai";
const CLOSE = "# <<< ikigai <<<\n";
// A line between the marks is no mark itself: half a block never swallows what follows it.
const BLOCK =
  /^# >>> ikigai(?: \(([^)\n]*)\))? >>>\n((?:(?!# (?:>>>|<<<) ikigai).*\n)*)# <<< ikigai <<<(?:\n|$)/m;
const MARK = /^# (?:>>>|<<<) ikigai\b.* (?:>>>|<<<)$/m;
const NEWLINE_ADDED = "line feed added";

export interface MarkedBlock {
  readonly before: string;
  /** What the opening mark says in brackets: what removal must undo beside the block. */
  readonly note: string;
  /** The lines between the marks. */
  readonly body: string;
  readonly after: string;
}

/** The text of a block; `body` ends with a line feed. */
export function markedBlock(body: string, note = ""): string {
  return `${OPEN}${note ? ` (${note})` : ""} >>>\n${body}${CLOSE}`;
}

/** The first block of ours in a text. */
export function findBlock(text: string): MarkedBlock | undefined {
  const found = BLOCK.exec(text);
  if (!found) return undefined;
  const { index, 0: whole, 1: note = "", 2: body = "" } = found;
  return { before: text.slice(0, index), note, body, after: text.slice(index + whole.length) };
}

/** Whether a mark of ours stands in a text without its other half. */
export function hasTornBlock(text: string): boolean {
  return MARK.test(withoutBlocks(text));
}

/** Puts a block behind `head`, which need not end with a line feed, and before `tail`. */
export function placeBlock(head: string, body: string, tail = ""): string {
  const torn = head !== "" && !head.endsWith("\n");
  return `${head}${torn ? "\n" : ""}${markedBlock(body, torn ? NEWLINE_ADDED : "")}${tail}`;
}

/**
 * A text whose end is only the beginning of a block, as a crash leaves it, with all of that block;
 * undefined for any other.
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

/** The text as it was before `placeBlock`, with what others have added since. */
export function withoutBlocks(text: string): string {
  const block = findBlock(text);
  if (!block) return text;
  const { before, note, after } = block;
  const ours = note === NEWLINE_ADDED && after === "" && before.endsWith("\n");
  return withoutBlocks((ours ? before.slice(0, -1) : before) + after);
}
