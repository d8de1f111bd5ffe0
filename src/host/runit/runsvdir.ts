import { spawn } from "node:child_process";
import fs from "node:fs";
import type { Layout } from "../../model/layout.ts";
import { readIfThere, writeAtomically } from "../fs/files.ts";
import { listProcesses } from "../process/processes.ts";

/**
 * Tells whether this project's runsvdir is alive; checks its command line, because a pid alone proves
 * nothing.
 */
export function isSupervisorAlive({ run, sv }: Layout): boolean {
  const pid = readIfThere(`${run}/runsvdir.pid`)?.toString().trim() ?? "";
  if (!/^[0-9]+$/.test(pid)) return false;
  if (!fs.existsSync("/proc/self")) return lives(Number(pid));
  const line = readIfThere(`/proc/${pid}/cmdline`)?.toString().split("\0") ?? [];
  return line.includes("-P") && line.includes(sv);
}

/**
 * Searches all processes for this project's runsvdir, as its pid file may be lost, and writes that file
 * again.
 */
export function findSupervisor({ ikigai, run, sv }: Layout): boolean {
  const found = listProcesses().find(
    ({ command, cwd }) =>
      // runsvdir changes to sv while it scans.
      command.endsWith(`runsvdir -P ${sv}`) && (cwd === ikigai || cwd === sv),
  );
  if (!found) return false;
  try {
    writeAtomically(`${run}/runsvdir.pid`, `${found.pid}\n`, { durable: false });
  } catch {
    // For instance a full disk; the search is repeated then.
  }
  return true;
}

/**
 * Restarts runsvdir and everything under it, including the caller. Does nothing while a start or stop is
 * under way.
 */
export function reviveSupervisor({ scripts, logs }: Layout): void {
  const log = fs.openSync(`${logs}/runsvdir.log`, "a", 0o600);
  const { IKIGAI_SUPERVISED: _, ...env } = process.env;
  const child = spawn(`${scripts}/revive`, [], {
    cwd: "/",
    detached: true,
    env,
    stdio: ["ignore", log, log],
  });
  child.on("error", () => {});
  child.unref();
  fs.closeSync(log);
}

function lives(pid: number): boolean {
  try {
    return process.kill(pid, 0);
  } catch {
    return false;
  }
}
