import fs from "node:fs";
import { statIfThere } from "../fs/files.ts";
import { listPids, readProc, readStat } from "./proc.ts";

/** A process as described in proc(5). */
export interface RunningProcess {
  readonly pid: number;
  /** Clock ticks since boot (stat, field 22), to tell a process from a later one with the same pid. */
  readonly started: string;
  /** Arguments, separated by spaces. */
  readonly command: string;
  readonly cwd: string;
}

/** What the kernel appends to the path of a deleted directory. */
export const DELETED = " (deleted)";

/** Lists all processes that have arguments. Linux only; elsewhere the list is empty. */
export function listProcesses(): RunningProcess[] {
  if (process.platform !== "linux") return [];
  return listPids().flatMap((name) => {
    const pid = Number(name);
    const command = readProc(`${pid}/cmdline`).split("\0").join(" ").trim();
    return command ? [{ pid, command, started: startTime(pid), cwd: cwdOf(pid) }] : [];
  });
}

/**
 * Tells whether a process' working directory was deleted. The suffix alone proves nothing, because a
 * directory may really be named so.
 */
export function isDeleted({ pid, cwd }: RunningProcess): boolean {
  if (!cwd.endsWith(DELETED)) return false;
  try {
    const held = fs.statSync(`/proc/${pid}/cwd`, { bigint: true });
    const named = statIfThere(cwd);
    return held.ino !== named?.ino || held.dev !== named.dev;
  } catch {
    // The process has just ended.
    return false;
  }
}

/** Tells whether a process was started with `NAME=value` in its environment. */
export function hasEnvironment({ pid }: RunningProcess, mark: string): boolean {
  return readProc(`${pid}/environ`).split("\0").includes(mark);
}

/** Signals those that are still the same processes. */
export function signal(processes: readonly RunningProcess[], name: NodeJS.Signals): void {
  for (const { pid, started } of processes) {
    if (startTime(pid) !== started) continue;
    try {
      process.kill(pid, name);
    } catch {
      // The process has just ended.
    }
  }
}

/** Waits until no process is left, for at most `patience` milliseconds. */
export async function waitForExit(
  left: () => readonly RunningProcess[],
  patience: number,
): Promise<void> {
  const deadline = performance.now() + patience;
  while (left().length > 0 && performance.now() < deadline) {
    await new Promise((resolve) => setTimeout(resolve, 50));
  }
}

/** Returns the start time in clock ticks since boot; "" if there is no such process. */
export function startTime(pid: number): string {
  return readStat(pid)?.started ?? "";
}

function cwdOf(pid: number): string {
  try {
    return fs.readlinkSync(`/proc/${pid}/cwd`);
  } catch {
    return "";
  }
}
