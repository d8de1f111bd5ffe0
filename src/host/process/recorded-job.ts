import { type ChildProcess, execFileSync, spawn } from "node:child_process";
import fs from "node:fs";
import { constants } from "node:os";
import type { Layout } from "../../model/layout.ts";
import { readProc } from "./proc.ts";

/** How a command ended; `ended` if we ended it because its worktree is removed or the daemon stops. */
export type CommandResult =
  | { readonly ok: true }
  | { readonly ok: false; readonly why: string; readonly ended?: boolean };

/** A command, the file that records it, and what ends it early. */
export interface RecordedJob {
  /** A file name that is used for nothing else. */
  readonly record: string;
  readonly argv: readonly string[];
  readonly cwd: string;
  readonly environment: NodeJS.ProcessEnv;
  readonly log: number;
  /** Registers a callback that ends the command; returns a function that unregisters it. */
  readonly onEnd: (end: () => void) => () => void;
}

const PATIENCE_MS = 2_000;

/**
 * Runs a command exactly once even if the daemon is restarted meanwhile: waits for a run that an earlier
 * daemon began, and does not repeat one that has ended.
 */
export async function runRecorded(layout: Layout, once: RecordedJob): Promise<CommandResult> {
  let killing: NodeJS.Timeout | undefined;
  let child: ChildProcess | undefined;
  let ended = false;
  const unregister = once.onEnd(() => {
    ended = true;
    signalAll("SIGTERM");
    killing = setTimeout(() => signalAll("SIGKILL"), PATIENCE_MS);
  });
  function signalAll(signal: NodeJS.Signals): void {
    signalGroup(runnerOf(layout, once.record), signal);
    if (child && child.exitCode === null && child.signalCode === null)
      signalGroup(child.pid, signal);
  }
  const settled = (result: CommandResult): CommandResult =>
    ended && !result.ok ? { ...result, ended } : result;
  const start = (args: readonly string[]): Promise<Ending> => {
    child = spawn(`${layout.scripts}/once`, args, {
      cwd: once.cwd,
      env: once.environment,
      stdio: ["ignore", once.log, once.log],
      // In its own process group, so that everything it starts can be ended with it.
      detached: true,
    });
    return endingOf(child);
  };
  try {
    for (let tries = 0; ; tries++) {
      await start(["wait", once.record]);
      const known = recordedCode(once.record);
      if (known !== undefined) return settled(resultOf({ code: known }));
      if (ended) return { ok: false, why: "was ended", ended };
      const ending = await start(["run", once.record, ...once.argv]);
      const code = recordedCode(once.record);
      if (code !== undefined) return settled(resultOf({ code }));
      // The lock is held by a run that an earlier daemon started: wait for that.
      if (ended || !ending.busy || tries > 0) return settled(unrecorded(ending));
    }
  } finally {
    unregister();
    clearTimeout(killing);
  }
}

/** Ends a command that a killed daemon left running, if it still runs. */
export async function killRecorded(layout: Layout, record: string): Promise<void> {
  signalGroup(runnerOf(layout, record), "SIGTERM");
  const deadline = performance.now() + PATIENCE_MS;
  while (runnerOf(layout, record) !== undefined && performance.now() < deadline)
    await new Promise((resolve) => setTimeout(resolve, 50));
  signalGroup(runnerOf(layout, record), "SIGKILL");
}

interface Ending {
  readonly code?: number;
  readonly signal?: NodeJS.Signals;
  readonly error?: string;
  /** Exit status of chpst(8) -L when another process holds the lock. */
  readonly busy?: boolean;
}

function endingOf(child: ChildProcess): Promise<Ending> {
  return new Promise((resolve) => {
    child.once("error", ({ message }) => resolve({ error: message }));
    child.once("exit", (code, signal) =>
      resolve({
        ...(code !== null && { code, busy: code === 111 }),
        ...(signal && { signal }),
      }),
    );
  });
}

function resultOf({ code, signal, error }: Ending): CommandResult {
  if (code === 0) return { ok: true };
  if (error !== undefined) return { ok: false, why: `could not be started: ${error}` };
  if (signal) return { ok: false, why: `was ended by ${signal}` };
  const name = Object.entries(constants.signals).find(([, number]) => 128 + number === code)?.[0];
  return { ok: false, why: `ended with exit code ${code}${name ? ` (${name})` : ""}` };
}

/**
 * Turns an unrecorded exit into a failure: nothing proves that the command ran to its end, whatever its
 * runner returned.
 */
function unrecorded(ending: Ending): CommandResult {
  const result = resultOf(ending);
  return result.ok ? { ok: false, why: "left no exit code behind" } : result;
}

function recordedCode(record: string): number | undefined {
  const text = read(record).trim();
  return /^\d+$/.test(text) ? Number(text) : undefined;
}

/**
 * Returns the pid of the process that runs the command, proven by its command line: no other process has this
 * record's name there.
 */
function runnerOf({ scripts }: Layout, record: string): number | undefined {
  const pid = Number(read(`${record}.pid`).trim());
  if (!(pid > 1)) return undefined;
  const isRunner = fs.existsSync("/proc/self")
    ? `\0${readProc(`${pid}/cmdline`)}`.includes(`\0${scripts}/once\0run\0${record}\0`)
    : commandOfPs(pid).includes(`${scripts}/once run ${record} `);
  return isRunner ? pid : undefined;
}

/** Used only where there is no `/proc`: small systems have no ps, or one without `-p`. */
function commandOfPs(pid: number): string {
  try {
    return execFileSync("ps", ["-ww", "-p", String(pid), "-o", "command="], {
      encoding: "utf8",
      stdio: ["ignore", "pipe", "ignore"],
    });
  } catch {
    // No process has this pid any more.
    return "";
  }
}

function signalGroup(pid: number | undefined, signal: NodeJS.Signals): void {
  if (pid === undefined) return;
  try {
    process.kill(-pid, signal);
  } catch {
    // It has ended meanwhile.
  }
}

function read(path: string): string {
  try {
    return fs.readFileSync(path, "utf8");
  } catch {
    return "";
  }
}
