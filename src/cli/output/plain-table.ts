import type { ServiceReport, WorktreeReport } from "../../model/reports.ts";
import { pc } from "./colours.ts";
import * as plain from "./table.ts";

export { memoryOf } from "./table.ts";

/** Aligned columns without lines; the first row is the heading. Coloured where the terminal is. */
export function plainTable(head: readonly string[], rows: readonly (readonly string[])[]): string {
  return plain.plainTable(head, rows, pc);
}

/** One line a worktree. */
export function worktreeTable(worktrees: readonly WorktreeReport[]): string {
  return plain.worktreeTable(worktrees, pc);
}

/** How long ago one of these services was used. */
export function usedOf(services: readonly ServiceReport[]): string {
  return plain.usedOf(services, Date.now());
}

export function serviceWord(service: ServiceReport): string {
  return plain.serviceWord(service, pc);
}
