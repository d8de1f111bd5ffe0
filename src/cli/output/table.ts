import type pc from "picocolors";
import { printable } from "../../model/printable.ts";
import type { ServiceReport, ServiceState, WorktreeReport } from "../../model/reports.ts";

/** Functions that colour a text, or leave it unchanged when colours are off. */
export type Colours = ReturnType<typeof pc.createColors>;

/** Renders aligned columns without lines; `head` is the heading. */
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

/** Counts the terminal columns of a text; colour sequences take none. */
function widthOf(text: string): number {
  const bare = text.includes("\u001b") ? text.replace(/\u001b\[\d+m/g, "") : text;
  if (/^[\x20-\x7e]*$/.test(bare)) return bare.length;
  let width = 0;
  for (const { segment } of GRAPHEMES.segment(bare)) width += WIDE.test(segment) ? 2 : 1;
  return width;
}

const GRAPHEMES = new Intl.Segmenter("en", { granularity: "grapheme" });
/** The common ranges of Unicode's East Asian Width classes W and F, and emoji. */
const WIDE =
  /[\u1100-\u115f\u2e80-\u303e\u3041-\ua4cf\ua960-\ua97c\uac00-\ud7a3\uf900-\ufaff\ufe30-\ufe6f\uff01-\uff60\uffe0-\uffe6\u{1b000}-\u{1b2ff}\u{20000}-\u{3fffd}]|\p{Emoji_Presentation}|\ufe0f/u;

/** Renders one row per worktree; a STATE column appears only if a worktree is not ready. */
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

/** Renders the memory of all processes of these services; empty when none is running. */
export function memoryOf(services: readonly ServiceReport[]): string {
  const bytes = services.reduce((sum, { memory = 0 }) => sum + memory, 0);
  return bytes > 0 ? `${Math.round(bytes / 1_048_576)} MB` : "";
}

/** Renders how long ago one of these services was last used; empty when never. */
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
  // The unnamed service is called `backend`; if it has only a frontend, show that.
  const shown = name === "backend" && state === "static" ? "frontend" : printable(name);
  const changed = held && state !== "held" ? `, ${colours[COLOURS.held]("held")}` : "";
  const times = failures === undefined || failures < 2 ? "" : ` (${failures}×)`;
  return `${shown} ${colours[COLOURS[state]](state + times)}${changed}`;
}

function stateWord({ state, progress }: WorktreeReport, colours: Colours): string {
  // The problems themselves are listed below the table: they do not fit into a column.
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
