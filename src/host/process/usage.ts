import { execFileSync } from "node:child_process";
import fs from "node:fs";
import type { Layout } from "../../model/layout.ts";
import { statIfThere } from "../fs/files.ts";
import { listPids, readProc, readStat } from "./proc.ts";

/** Returns resident memory in bytes for each group in `leaders`, including sessions led by them. */
export function memoryOfGroups(leaders: ReadonlySet<number>): ReadonlyMap<number, number> {
  const sums = new Map<number, number>();
  if (leaders.size === 0) return sums;
  for (const { group, session, memory } of processes()) {
    const leader = [group, session].find((id) => leaders.has(id));
    if (leader !== undefined) sums.set(leader, (sums.get(leader) ?? 0) + memory());
  }
  return sums;
}

interface Process {
  readonly group: number;
  readonly session: number;
  readonly memory: () => number;
}

interface Membership {
  readonly group: number;
  readonly session: number;
  readonly until: number;
}

/** Processes hardly ever change their group, so a membership is cached this long. */
const MEMBERSHIP_MS = 30_000;
let memberships: ReadonlyMap<string, Membership> = new Map();

/** Reads `VmRSS` from proc(5)'s status, which is in kB whatever the page size. */
function processes(): Process[] {
  if (!fs.existsSync("/proc/self/stat")) return processesOfPs();
  const now = performance.now();
  const found = new Map<string, Membership>();
  for (const name of listPids()) {
    const known = memberships.get(name);
    const membership = known && known.until > now ? known : membershipOf(name, now);
    if (membership) found.set(name, membership);
  }
  memberships = found;
  return [...found].map(([name, { group, session }]) => ({
    group,
    session,
    memory: () => 1024 * Number(/^VmRSS:\s*(\d+)/m.exec(readProc(`${name}/status`))?.[1] ?? 0),
  }));
}

function membershipOf(name: string, now: number): Membership | undefined {
  const stat = readStat(name);
  return stat && { group: stat.group, session: stat.session, until: now + MEMBERSHIP_MS };
}

function processesOfPs(): Process[] {
  const lines = execFileSync("ps", ["-A", "-o", "pgid=,rss="], { encoding: "utf8" }).split("\n");
  return lines.map((line) => {
    const [group = 0, kilobytes = 0] = line.trim().split(/\s+/).map(Number);
    return { group, session: group, memory: () => kilobytes * 1024 };
  });
}

/** Returns when nginx last passed a request to a service; it writes a line for each request. */
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
