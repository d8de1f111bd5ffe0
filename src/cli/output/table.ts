import type pc from "picocolors";
import { printable } from "../../model/printable.ts";
import type { ServiceReport, ServiceState, WorktreeReport } from "../../model/reports.ts";

/** With colours, or with functions that leave a text as it is. */
export type Colours = ReturnType<typeof pc.createColors>;

/** Aligned columns without lines; the first row is the heading. */
export function plainTable(
  head: readonly string[],
  rows: readonly (readonly string[])[],
  colours: Colours,
): string {
  const lines = [head.map((name) => colours.dim(name)), ...rows];
  const widths = head.map((_, column) =>
    lines.reduce((widest, line) => Math.max(widest, widthOf(line[column] ?? "")), 0),
  );
  return lines
    .map((line) => {
      const cells = widths.map((width, column) => {
        const cell = line[column] ?? "";
        return cell + " ".repeat(width - widthOf(cell));
      });
      return `  ${cells.join("  ").trimEnd()}`;
    })
    .join("\n");
}

/** Columns of a terminal that a text takes; colours take none. */
function widthOf(text: string): number {
  const bare = text.includes("\u001b") ? text.replace(/\u001b\[\d+m/g, "") : text;
  if (/^[\x20-\x7e]*$/.test(bare)) return bare.length;
  let width = 0;
  for (const { segment } of GRAPHEMES.segment(bare)) width += WIDE.test(segment) ? 2 : 1;
  return width;
}

const GRAPHEMES = new Intl.Segmenter("en", { granularity: "grapheme" });
/** Unicode's East Asian Width W and F, as far as names are written in it, and emoji. */
const WIDE =
  /[\u1100-\u115f\u2e80-\u303e\u3041-\ua4cf\ua960-\ua97c\uac00-\ud7a3\uf900-\ufaff\ufe30-\ufe6f\uff01-\uff60\uffe0-\uffe6\u{1b000}-\u{1b2ff}\u{20000}-\u{3fffd}]|\p{Emoji_Presentation}|\ufe0f/u;

/** One line a worktree. */
export function worktreeTable(
  worktrees: readonly WorktreeReport[],
  colours: Colours,
  now = Date.now(),
): string {
  if (worktrees.length === 0) return "  no worktrees yet; next: git worktree add main";
  const rows = worktrees.map((w) => [
    w.default ? `${colours.bold(w.slug)}${colours.dim(" *")}` : w.slug,
    printable(w.branch ?? "(detached)"),
    w.url,
    w.schema,
    w.services.map((service) => serviceWord(service, colours)).join("  ") || colours.dim("none"),
    memoryOf(w.services),
    usedOf(w.services, now),
    ...(w.state === "ready" ? [] : [stateWord(w, colours)]),
  ]);
  const wide = rows.some((row) => row.length > COLUMNS.length);
  return plainTable(
    [...COLUMNS, ...(wide ? ["STATE"] : [])],
    rows.map((row) => (wide && row.length === COLUMNS.length ? [...row, "ready"] : row)),
    colours,
  );
}

const COLUMNS = ["WORKTREE", "BRANCH", "ADDRESS", "SCHEMA", "SERVICES", "MEMORY", "USED"];

/** Of all processes of these services; nothing when none runs. */
export function memoryOf(services: readonly ServiceReport[]): string {
  const bytes = services.reduce((sum, { memory = 0 }) => sum + memory, 0);
  return bytes > 0 ? `${Math.round(bytes / 1_048_576)} MB` : "";
}

/** How long ago one of these services was used. */
export function usedOf(services: readonly ServiceReport[], now: number): string {
  const times = services.flatMap(({ lastUse }) => (lastUse ? [Date.parse(lastUse)] : []));
  if (times.length === 0) return "";
  const seconds = Math.max(0, Math.round((now - Math.max(...times)) / 1000));
  if (seconds < 60) return `${seconds} s ago`;
  if (seconds < 3600) return `${Math.round(seconds / 60)} min ago`;
  return seconds < 172_800
    ? `${Math.round(seconds / 3600)} h ago`
    : `${Math.round(seconds / 86_400)} days ago`;
}

export function serviceWord(
  { name, state, held, failures }: ServiceReport,
  colours: Colours,
): string {
  // The unnamed service goes by its backend's name, unless it has only the other half.
  const shown = name === "backend" && state === "static" ? "frontend" : printable(name);
  const changed = held && state !== "held" ? `, ${colours[COLOURS.held]("held")}` : "";
  const times = failures === undefined || failures < 2 ? "" : ` (${failures}×)`;
  return `${shown} ${colours[COLOURS[state]](state + times)}${changed}`;
}

function stateWord({ state, progress }: WorktreeReport, colours: Colours): string {
  // The problems themselves are told below the table: they are longer than any column.
  if (state === "problem") return colours.red(state);
  return colours.yellow(
    progress === undefined ? state : `${state} ${Math.round(progress * 100)} %`,
  );
}

const COLOURS: Readonly<Record<ServiceState, "green" | "yellow" | "dim" | "red">> = {
  running: "green",
  starting: "yellow",
  idle: "dim",
  static: "dim",
  stopped: "yellow",
  held: "yellow",
  crashing: "red",
  crashed: "red",
};
