import { execFileSync } from "node:child_process";

/** Whether `withFileLimit` works here: prlimit(1) is Linux'. */
export const canLimitFiles = process.platform === "linux";

/**
 * Runs work while this process can make no file larger than some bytes: writing then fails as it
 * does on a full disk, without one. What exists already stays as it is.
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
