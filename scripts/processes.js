import { readdirSync, readFileSync, readlinkSync } from "node:fs";
import { setTimeout } from "node:timers/promises";

function read(file) {
  try {
    return readFileSync(file, "utf8");
  } catch {
    return "";
  }
}

function workingDirectory(pid) {
  try {
    return readlinkSync(`/proc/${pid}/cwd`);
  } catch {
    return "";
  }
}

/** Returns a process' start time in clock ticks since boot: field 22 of proc(5)'s stat. */
function startOf(pid) {
  const stat = read(`/proc/${pid}/stat`);
  return stat.slice(stat.lastIndexOf(")") + 2).split(" ")[19] ?? "";
}

function describe(pid) {
  const command = read(`/proc/${pid}/cmdline`).split("\0").join(" ").trim();
  return {
    pid,
    started: startOf(pid),
    title: `${pid} ${command}`,
    evidence: `${command}\n${workingDirectory(pid)}\n${read(`/proc/${pid}/environ`)}`,
  };
}

function snapshot(marks) {
  return readdirSync("/proc")
    .filter((name) => /^\d+$/.test(name) && Number(name) !== process.pid)
    .map((name) => describe(Number(name)))
    .filter(({ evidence }) => marks.some((mark) => evidence.includes(mark)));
}

/**
 * Finds the processes whose command line, working directory or environment contains one of the marks (paths
 * of throwaway directories). Waits up to `patience` milliseconds for them to end by themselves. Linux only;
 * elsewhere the list is empty.
 */
export async function processesOf(marks, { patience = 0 } = {}) {
  if (process.platform !== "linux") return [];
  const deadline = Date.now() + patience;
  let found = snapshot(marks);
  while (found.length > 0 && Date.now() < deadline) {
    await setTimeout(100);
    found = snapshot(marks);
  }
  return found;
}

function signal({ pid, started }, name) {
  if (startOf(pid) !== started) return false;
  try {
    return process.kill(pid, name);
  } catch {
    return false;
  }
}

/** Ends processes that `processesOf` found: SIGTERM, and after two seconds SIGKILL. */
export async function endAll(processes) {
  for (const item of processes) signal(item, "SIGTERM");
  const deadline = Date.now() + 2_000;
  while (Date.now() < deadline && processes.some((item) => startOf(item.pid) === item.started)) {
    await setTimeout(50);
  }
  for (const item of processes) signal(item, "SIGKILL");
}

/**
 * Ends every process that contains one of the marks. Repeats, because supervisors restart what ends before
 * them.
 */
export async function endMarked(marks) {
  for (let round = 0; round < ROUNDS; round += 1) {
    const found = await processesOf(marks);
    if (found.length === 0) return;
    await endAll(found);
  }
}

const ROUNDS = 10;
