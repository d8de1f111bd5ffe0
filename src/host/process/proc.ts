import fs from "node:fs";

/**
 * Reads a file below `/proc` (proc(5)); "" if it does not exist or its process has just ended. Reads as
 * UTF-8, which takes Node one call; there are hundreds of these files.
 */
export function readProc(path: string): string {
  try {
    return fs.readFileSync(`/proc/${path}`, "utf8");
  } catch {
    return "";
  }
}

/** Lists all pids; empty if there is no `/proc`. */
export function listPids(): string[] {
  try {
    return fs.readdirSync("/proc").filter((name) => /^\d+$/.test(name));
  } catch {
    return [];
  }
}

/**
 * Parses proc(5)'s stat from behind the program's name, which may hold any character. Undefined if the
 * process has ended.
 */
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

/** Fields of proc(5)'s stat. */
export interface ProcessStat {
  /** One letter; `Z` is a zombie. */
  readonly state: string;
  readonly parent: number;
  readonly group: number;
  readonly session: number;
  /** A kernel thread. */
  readonly isKernel: boolean;
  /** Clock ticks since boot, to tell a process from a later one with the same pid. */
  readonly started: string;
}

/** Linux, include/linux/sched.h. */
const PF_KTHREAD = 0x00200000;
