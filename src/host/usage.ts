import fs from "node:fs";
import type { Layout } from "../model/layout.ts";
import { statIfThere } from "./files.ts";

/** Resident memory of a process in bytes; 0 where the system does not tell (proc(5), statm). */
export function residentMemory(pid: number): number {
  try {
    const pages = fs.readFileSync(`/proc/${pid}/statm`, "latin1").split(" ")[1];
    return Number(pages ?? 0) * PAGE;
  } catch {
    return 0;
  }
}

const PAGE = 4096;

/** When nginx last passed a request to a service: it writes a line for each. */
export function lastUse(
  layout: Layout,
  worktree: string,
  service: string,
  isDefault: boolean,
): Date | undefined {
  const names = isDefault ? [worktree, ".default"] : [worktree];
  const times = names.flatMap((name) => {
    const stat = statIfThere(`${layout.run}/traffic/${name}.${service}`);
    return stat ? [Number(stat.mtimeMs)] : [];
  });
  return times.length > 0 ? new Date(Math.max(...times)) : undefined;
}
