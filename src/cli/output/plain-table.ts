import type { ServiceReport, WorktreeReport } from "../../model/reports.ts";
import { pc } from "./colours.ts";
import * as plain from "./table.ts";

export { memoryOf } from "./table.ts";

/** Renders aligned columns under a heading; coloured if the terminal is. */
export function plainTable(head: readonly string[], rows: readonly (readonly string[])[]): string {
  return plain.plainTable(head, rows, pc);
}

/** Renders one row per worktree. */
export function worktreeTable(worktrees: readonly WorktreeReport[]): string {
  return plain.worktreeTable(worktrees, pc);
}

/** Renders how long ago one of these services was last used. */
export function usedOf(services: readonly ServiceReport[]): string {
  return plain.usedOf(services, Date.now());
}

export function serviceWord(service: ServiceReport): string {
  return plain.serviceWord(service, pc);
}
