import fs from "node:fs";
import { statIfThere } from "../fs/files.ts";
import { listPids, readProc, readStat } from "./proc.ts";

/** A process as proc(5) tells of it. */
export interface RunningProcess {
  readonly pid: number;
  /** Clock ticks since boot; a number that is given again begins later (stat, field 22). */
  readonly started: string;
  /** Arguments, a space between each. */
  readonly command: string;
  readonly cwd: string;
}

/** What the kernel puts behind the name of a directory that was deleted. */
export const DELETED = " (deleted)";

/** Every process that has arguments. Linux only: elsewhere none. */
export function listProcesses(): RunningProcess[] {
  if (process.platform !== "linux") return [];
  return listPids().flatMap((name) => {
    const pid = Number(name);
    const command = readProc(`${pid}/cmdline`).split("\0").join(" ").trim();
    return command ? [{ pid, command, started: startTime(pid), cwd: cwdOf(pid) }] : [];
  });
}

/** Whether a process works in a directory that was deleted; one may well be called so and be there. */
export function isDeleted({ pid, cwd }: RunningProcess): boolean {
  if (!cwd.endsWith(DELETED)) return false;
  try {
    const held = fs.statSync(`/proc/${pid}/cwd`, { bigint: true });
    const named = statIfThere(cwd);
    return held.ino !== named?.ino || held.dev !== named.dev;
  } catch {
    // It ended this very moment.
    return false;
  }
}

/** Whether a process was started with this in its environment (`NAME=value`). */
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
      // It ended this very moment.
    }
  }
}

/** Waits until none is left, for a while. */
export async function waitForExit(
  left: () => readonly RunningProcess[],
  patience: number,
): Promise<void> {
  const deadline = performance.now() + patience;
  while (left().length > 0 && performance.now() < deadline) {
    await new Promise((resolve) => setTimeout(resolve, 50));
  }
}

/** Clock ticks since boot; nothing where no such process is known. */
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
