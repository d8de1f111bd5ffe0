import { spawn, spawnSync } from "node:child_process";
import { mkdtempSync, readdirSync, readFileSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { waitFor } from "../../support/wait.ts";

/** The system calls that change something; `write` includes the database's protocol. */
const WRITES = [
  "write writev pwrite64 pwritev pwritev2 sendto sendmsg sendmmsg",
  "creat open openat mkdir mkdirat mknod mknodat symlink symlinkat link linkat bind",
  "rename renameat renameat2 unlink unlinkat rmdir",
  "chmod fchmod fchmodat chown fchown lchown fchownat utimensat futimesat",
  "truncate ftruncate fallocate fsync fdatasync sync_file_range copy_file_range sendfile",
]
  .join(" ")
  .split(" ");

/** A system call and its number, counted per thread. */
export interface Point {
  readonly name: string;
  readonly n: number;
}

export const canTrace = spawnSync("strace", ["-e", "trace=none", "true"]).status === 0;

/**
 * Runs something while the present threads of a process are traced, but not the programs that it
 * starts. strace counts calls per name and per thread.
 */
async function traced(pid: number, args: readonly string[], work: () => Promise<void>) {
  const threads = readdirSync(`/proc/${pid}/task`);
  const tracer = spawn("strace", [...args, ...threads.flatMap((thread) => ["-p", thread])], {
    stdio: ["ignore", "ignore", "pipe"],
  });
  const over = () => tracer.exitCode !== null || tracer.signalCode !== null;
  let said = "";
  tracer.stderr.on("data", (part) => {
    said += String(part);
  });
  await waitFor(() => over() || said.split(" attached").length > threads.length);
  try {
    await work();
  } finally {
    // On SIGTERM it would wait for an ended thread; the traced process continues (ptrace(2)).
    tracer.kill("SIGKILL");
    await waitFor(over);
  }
}

/** Lists, by name, the calls with which the process' threads changed something meanwhile. */
export async function writesDuring(
  pid: number,
  work: () => Promise<void>,
): Promise<Map<string, Point[]>> {
  const directory = mkdtempSync(join(tmpdir(), "iki-trace-"));
  const output = join(directory, "trace");
  try {
    const names = WRITES.map((name) => `?${name}`).join(",");
    await traced(pid, ["-o", output, "-e", `trace=${names}`], work);
    return pointsOf(readFileSync(output, "utf8"));
  } finally {
    rmSync(directory, { recursive: true });
  }
}

/** Runs something, and kills the process as one of its threads begins that call. */
export async function killedAt(
  pid: number,
  { name, n }: Point,
  work: () => Promise<void>,
): Promise<void> {
  const inject = `inject=${name}:signal=KILL:when=${n}`;
  await traced(pid, ["-o", "/dev/null", "-e", `trace=${name}`, "-e", inject], work);
}

function pointsOf(trace: string): Map<string, Point[]> {
  const counts = new Map<string, number>();
  const points = new Map<string, Map<number, Point>>();
  for (const line of trace.split("\n")) {
    const [, thread, name] = /^(\d+) +(\w+)\(/.exec(line) ?? [];
    if (!name) continue;
    const key = `${thread} ${name}`;
    const n = (counts.get(key) ?? 0) + 1;
    counts.set(key, n);
    // Opening for reading counts, but is no point to kill at.
    if (/^open/.test(name) && !/O_(?:CREAT|WRONLY|RDWR)/.test(line)) continue;
    const known = points.get(name) ?? new Map<number, Point>();
    points.set(name, known.set(n, { name, n }));
  }
  return new Map(
    [...points].map(([name, known]) => [name, [...known.values()].sort((a, b) => a.n - b.n)]),
  );
}
