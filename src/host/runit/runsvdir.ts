import { spawn } from "node:child_process";
import fs from "node:fs";
import type { Layout } from "../../model/layout.ts";
import { readIfThere, writeAtomically } from "../fs/files.ts";
import { listProcesses } from "../process/processes.ts";

/** Whether this project's runsvdir lives: its pid alone would prove nothing. */
export function isSupervisorAlive({ run, sv }: Layout): boolean {
  const pid = readIfThere(`${run}/runsvdir.pid`)?.toString().trim() ?? "";
  if (!/^[0-9]+$/.test(pid)) return false;
  if (!fs.existsSync("/proc/self")) return lives(Number(pid));
  const line = readIfThere(`/proc/${pid}/cmdline`)?.toString().split("\0") ?? [];
  return line.includes("-P") && line.includes(sv);
}

/** Looks for this project's runsvdir among all processes, as its pid file may be lost; writes that again. */
export function findSupervisor({ ikigai, run, sv }: Layout): boolean {
  const found = listProcesses().find(
    ({ command, cwd }) =>
      // It works in sv while it looks.
      command.endsWith(`runsvdir -P ${sv}`) && (cwd === ikigai || cwd === sv),
  );
  if (!found) return false;
  try {
    writeAtomically(`${run}/runsvdir.pid`, `${found.pid}\n`, { durable: false });
  } catch {
    // A full disk, say: it is looked for again.
  }
  return true;
}

/**
 * Starts runsvdir again, and with it everything under it: the caller is ended too.
 * Does nothing while somebody types a start or a stop.
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
