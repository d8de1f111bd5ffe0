/** The maximum number of lines to compare; longer texts are shown as removed and added as a whole. */
const MOST_LINES = 2_000;
const CONTEXT = 3;

interface Line {
  readonly sign: " " | "-" | "+";
  readonly text: string;
}

/**
 * Returns the difference of two texts in the unified format (diff(1), -u), without file headers; empty if
 * they are equal. Escapes characters that a terminal would interpret or hide, as the texts may be untrusted.
 */
export function lineDiff(before: string, after: string): string {
  if (before === after) return "";
  const lines = compare(split(before), split(after));
  const changed = lines.flatMap(({ sign }, i) => (sign === " " ? [] : [i]));
  return hunks(changed, lines.length)
    .map(([from, to]) => render(lines, from, to))
    .join("");
}

/** Escapes every character that a terminal would interpret, reorder or hide. */
function visible(text: string): string {
  return text.replace(
    /[^\P{C}\t]|[\p{Zl}\p{Zp}]/gu,
    (c) => `\\u{${c.codePointAt(0)?.toString(16)}}`,
  );
}

function split(text: string): string[] {
  if (text === "") return [];
  const lines = text.split("\n");
  if (lines.at(-1) === "") lines.pop();
  else lines.push(`${lines.pop()}\n\\ No newline at end of file`);
  return lines;
}

function compare(a: readonly string[], b: readonly string[]): Line[] {
  let start = 0;
  while (start < a.length && start < b.length && a[start] === b[start]) start += 1;
  let end = 0;
  const room = Math.min(a.length, b.length) - start;
  while (end < room && a[a.length - 1 - end] === b[b.length - 1 - end]) end += 1;
  const same = (text: string): Line => ({ sign: " ", text });
  return [
    ...a.slice(0, start).map(same),
    ...middle(a.slice(start, a.length - end), b.slice(start, b.length - end)),
    ...a.slice(a.length - end).map(same),
  ];
}

/** Compares by the longest common subsequence. */
function middle(a: readonly string[], b: readonly string[]): Line[] {
  const out = (text: string): Line => ({ sign: "-", text });
  const put = (text: string): Line => ({ sign: "+", text });
  if (a.length > MOST_LINES || b.length > MOST_LINES) return [...a.map(out), ...b.map(put)];
  const width = b.length + 1;
  const common = new Uint16Array((a.length + 1) * width);
  const at = (i: number, j: number) => common[i * width + j] ?? 0;
  for (let i = a.length - 1; i >= 0; i -= 1) {
    for (let j = b.length - 1; j >= 0; j -= 1) {
      common[i * width + j] =
        a[i] === b[j] ? at(i + 1, j + 1) + 1 : Math.max(at(i + 1, j), at(i, j + 1));
    }
  }
  const lines: Line[] = [];
  let [i, j] = [0, 0];
  while (i < a.length || j < b.length) {
    const [left, right] = [a[i], b[j]];
    if (left !== undefined && left === right) {
      lines.push({ sign: " ", text: left });
      i += 1;
      j += 1;
    } else if (left !== undefined && (right === undefined || at(i + 1, j) >= at(i, j + 1))) {
      lines.push(out(left));
      i += 1;
    } else if (right !== undefined) {
      lines.push(put(right));
      j += 1;
    }
  }
  return lines;
}

/** Returns the ranges of lines around the changes; joins adjacent ones. */
function hunks(changed: readonly number[], length: number): [number, number][] {
  const ranges: [number, number][] = [];
  for (const i of changed) {
    const [from, to] = [Math.max(0, i - CONTEXT), Math.min(length, i + CONTEXT + 1)];
    const last = ranges.at(-1);
    if (last && from <= last[1]) last[1] = to;
    else ranges.push([from, to]);
  }
  return ranges;
}

function render(lines: readonly Line[], from: number, to: number): string {
  const count = (until: readonly Line[], sign: Line["sign"]) =>
    until.filter((line) => line.sign !== sign).length;
  const range = (sign: Line["sign"]) => {
    const size = count(lines.slice(from, to), sign);
    const start = count(lines.slice(0, from), sign) + (size === 0 ? 0 : 1);
    return size === 1 ? `${start}` : `${start},${size}`;
  };
  const body = lines.slice(from, to).map(({ sign, text }) => {
    const [first = "", ...rest] = text.split("\n");
    return [`${sign}${visible(first)}`, ...rest].map((line) => `${line}\n`).join("");
  });
  return `@@ -${range("+")} +${range("-")} @@\n${body.join("")}`;
}
