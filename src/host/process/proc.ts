import fs from "node:fs";

/**
 * A file below `/proc` (proc(5)); empty where there is none, or its process has just ended.
 * As UTF-8, which Node reads in one call, and there are hundreds of these files.
 */
export function readProc(path: string): string {
  try {
    return fs.readFileSync(`/proc/${path}`, "utf8");
  } catch {
    return "";
  }
}

/** Every process there is; none where there is no `/proc`. */
export function listPids(): string[] {
  try {
    return fs.readdirSync("/proc").filter((name) => /^\d+$/.test(name));
  } catch {
    return [];
  }
}

/** What follows the program's name, which may hold anything, in proc(5)'s stat; none if it has ended. */
export function readStat(pid: number | string): ProcessStat | undefined {
  const stat = readProc(`${pid}/stat`);
  if (stat === "") return undefined;
  const fields = stat.slice(stat.lastIndexOf(")") + 2).split(" ");
  const [state = "", parent, group, session, , , flags] = fields;
  return {
    state,
    parent: Number(parent),
    group: Number(group),
    session: Number(session),
    isKernel: (Number(flags) & PF_KTHREAD) !== 0,
    started: fields[19] ?? "",
  };
}

export interface ProcessStat {
  /** One letter; `Z` for one that has ended and was not waited for. */
  readonly state: string;
  readonly parent: number;
  readonly group: number;
  readonly session: number;
  /** A thread of the kernel's own. */
  readonly isKernel: boolean;
  /** Clock ticks since boot; a number that is given again begins later. */
  readonly started: string;
}

/** Linux, include/linux/sched.h. */
const PF_KTHREAD = 0x00200000;
