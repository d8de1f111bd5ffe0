import { execFileSync } from "node:child_process";

/** Whether `withFileLimit` works here: prlimit(1) is for Linux only. */
export const canLimitFiles = process.platform === "linux";

/**
 * Runs work with a limit on this process' file sizes: writing then fails like
 * on a full disk, without one. Existing content stays.
 */
export async function withFileLimit<T>(bytes: number, work: () => T | Promise<T>): Promise<T> {
  limit(String(bytes));
  try {
    return await work();
  } finally {
    limit("unlimited");
  }
}

function limit(soft: string): void {
  execFileSync("prlimit", ["--pid", String(process.pid), `--fsize=${soft}:`]);
}
