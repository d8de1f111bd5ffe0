import { readdirSync, readFileSync, readlinkSync } from "node:fs";

/** A living process as proc(5) shows it. */
export interface Process {
  readonly pid: number;
  readonly parent: number;
  readonly group: number;
  /** Its arguments, joined by spaces. */
  readonly line: string;
  readonly cwd: string;
  readonly environment: string;
  /** Clock ticks since boot. */
  readonly started: string;
}

/** Lists every process that refers to a project in its arguments, working directory or environment. */
export function processesOf(root: string): Process[] {
  return readdirSync("/proc")
    .filter((name) => /^\d+$/.test(name) && Number(name) !== process.pid)
    .flatMap((name) => readProcess(Number(name)) ?? [])
    .filter(
      ({ line, cwd, environment }) =>
        `${line} `.includes(`${root}/`) ||
        `${cwd}/`.startsWith(`${root}/`) ||
        environment.includes(`IKIGAI_SUPERVISED=${root}/`),
    );
}

/** Undefined for an ended process, zombies included. */
export function readProcess(pid: number): Process | undefined {
  const stat = read(`/proc/${pid}/stat`);
  const [state, parent, group, , , , , , , , , , , , , , , , , started] = stat
    .slice(stat.lastIndexOf(")") + 2)
    .split(" ");
  if (!state || state === "Z" || state === "X") return undefined;
  return {
    pid,
    parent: Number(parent),
    group: Number(group),
    line: read(`/proc/${pid}/cmdline`).split("\0").join(" ").trim(),
    cwd: link(`/proc/${pid}/cwd`),
    environment: read(`/proc/${pid}/environ`).split("\0").join("\n"),
    started: started ?? "",
  };
}

/** Signals exactly the observed process; false when it has ended. */
export function kill(seen: Process, signal: NodeJS.Signals = "SIGKILL"): boolean {
  if (readProcess(seen.pid)?.started !== seen.started) return false;
  try {
    return process.kill(seen.pid, signal);
  } catch {
    return false;
  }
}

function read(file: string): string {
  try {
    return readFileSync(file, "utf8");
  } catch {
    return "";
  }
}

function link(file: string): string {
  try {
    return readlinkSync(file);
  } catch {
    return "";
  }
}
