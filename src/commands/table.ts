import Table from "cli-table3";
import pc from "picocolors";
import { printable } from "../model/printable.ts";
import type { ServiceReport, ServiceState, WorktreeReport } from "../model/report.ts";

const NO_BORDERS = Object.fromEntries(
  ["top", "top-mid", "top-left", "top-right", "bottom", "bottom-mid", "bottom-left", "bottom-right"]
    .concat(["left", "left-mid", "mid", "mid-mid", "right", "right-mid"])
    .map((name) => [name, ""]),
);

/** Aligned columns without lines; the first row is the heading. */
export function plainTable(head: readonly string[], rows: readonly (readonly string[])[]): string {
  const table = new Table({
    head: head.map((name) => pc.dim(name)),
    chars: { ...NO_BORDERS, middle: "  " },
    style: { "padding-left": 0, "padding-right": 0, head: [], border: [] },
  });
  table.push(...rows.map((row) => [...row]));
  return table
    .toString()
    .split("\n")
    .map((line) => `  ${line.trimEnd()}`)
    .join("\n");
}

/** One line a worktree. */
export function worktreeTable(worktrees: readonly WorktreeReport[]): string {
  if (worktrees.length === 0) return "  no worktrees yet; next: git worktree add main";
  const rows = worktrees.map((w) => [
    `${w.default ? pc.bold(w.slug) : w.slug}${w.default ? pc.dim(" *") : ""}`,
    printable(w.branch ?? "(detached)"),
    w.url,
    w.schema,
    w.services.map(serviceWord).join("  ") || pc.dim("none"),
    memoryOf(w.services),
    usedOf(w.services),
    ...(w.state === "ready" ? [] : [stateWord(w)]),
  ]);
  const wide = rows.some((row) => row.length > COLUMNS.length);
  const head = [...COLUMNS, ...(wide ? ["STATE"] : [])];
  return plainTable(
    head,
    rows.map((row) => (wide && row.length < head.length ? [...row, "ready"] : row)),
  );
}

const COLUMNS = ["WORKTREE", "BRANCH", "ADDRESS", "SCHEMA", "SERVICES", "MEMORY", "USED"];

/** Of all processes of these services; nothing when none runs. */
export function memoryOf(services: readonly ServiceReport[]): string {
  const bytes = services.reduce((sum, { memory = 0 }) => sum + memory, 0);
  return bytes > 0 ? `${Math.round(bytes / 1_048_576)} MB` : "";
}

/** How long ago one of these services was used. */
export function usedOf(services: readonly ServiceReport[], now = Date.now()): string {
  const times = services.flatMap(({ lastUse }) => (lastUse ? [Date.parse(lastUse)] : []));
  if (times.length === 0) return "";
  const seconds = Math.max(0, Math.round((now - Math.max(...times)) / 1000));
  if (seconds < 60) return `${seconds} s ago`;
  if (seconds < 3600) return `${Math.round(seconds / 60)} min ago`;
  return seconds < 172_800
    ? `${Math.round(seconds / 3600)} h ago`
    : `${Math.round(seconds / 86_400)} days ago`;
}

export function serviceWord(service: ServiceReport): string {
  return `${printable(service.name)} ${COLOURS[service.state](service.state)}`;
}

function stateWord(worktree: WorktreeReport): string {
  const { state, progress, problems } = worktree;
  if (state === "problem") return pc.red(printable(problems[0] ?? state));
  return pc.yellow(progress === undefined ? state : `${state} ${Math.round(progress * 100)} %`);
}

const COLOURS: Readonly<Record<ServiceState, (text: string) => string>> = {
  running: pc.green,
  starting: pc.yellow,
  idle: pc.dim,
  static: pc.dim,
  stopped: pc.yellow,
  held: pc.yellow,
  crashed: pc.red,
};
