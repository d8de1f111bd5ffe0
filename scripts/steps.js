import { spawn } from "node:child_process";
import { performance } from "node:perf_hooks";
import { fileURLToPath } from "node:url";
import { endAsInterrupted, hearSignals, interruption, passOnTo } from "./interruption.js";

/** The checkout that contains these scripts. */
export const root = fileURLToPath(new URL("..", import.meta.url)).replace(/\/$/, "");

/** A failure fully described by its message; shown without a stack trace. */
export class StepError extends Error {}

/** Formats a duration as "0.8 s" or "2 min 5 s". */
function duration(milliseconds) {
  const seconds = milliseconds / 1000;
  if (seconds < 60) return `${seconds.toFixed(1)} s`;
  return `${Math.floor(seconds / 60)} min ${Math.round(seconds % 60)} s`;
}

/** Runs one step and prints one line: its title, its result (if it returns a string) and its duration. */
export async function step(title, work) {
  const start = performance.now();
  process.stdout.write(`${title} … `);
  try {
    const result = await work();
    const note = typeof result === "string" && result !== "" ? `${result}, ` : "";
    process.stdout.write(`${note}${duration(performance.now() - start)}\n`);
    return result;
  } catch (error) {
    process.stdout.write(`failed after ${duration(performance.now() - start)}\n`);
    throw error;
  }
}

/** The script was interrupted; every `finally` on the way out cleans up. */
class Interrupted extends StepError {
  constructor() {
    super("Interrupted.");
  }
}

/**
 * Runs a program and waits for its end. If it cannot be started, the exit code is 127 and `output` says why.
 *
 * @param {string} command
 * @param {readonly string[]} args
 * @param {import("node:child_process").SpawnOptions & { show?: boolean, input?: string, tidying?: boolean }} [options]
 *   `show` lets the program write to this terminal; with `tidying` it also runs after an interruption.
 * @returns {Promise<{ code: number, stdout: string, output: string }>}
 * @throws Interrupted if the script is interrupted; nothing else
 */
export async function run(command, args, { tidying = false, ...options } = {}) {
  if (tidying) return runToEnd(command, args, { ...options, detached: true }, () => {});
  if (interruption.aborted) throw new Interrupted();
  const result = await runToEnd(command, args, options, passOnTo);
  if (interruption.aborted) throw new Interrupted();
  return result;
}

function runToEnd(command, args, { show = false, input, ...options }, started) {
  return new Promise((resolve) => {
    const stdin = input === undefined ? "ignore" : "pipe";
    const stdio = show ? [stdin, "inherit", "inherit"] : [stdin, "pipe", "pipe"];
    const child = spawn(command, args, { cwd: root, stdio, ...options });
    started(child);
    let stdout = "";
    let output = "";
    child.stdout?.setEncoding("utf8").on("data", (text) => {
      stdout += text;
      output += text;
    });
    child.stderr?.setEncoding("utf8").on("data", (text) => {
      output += text;
    });
    child.on("error", (error) =>
      resolve({ code: 127, stdout, output: `${output}${error.message}` }),
    );
    child.on("close", (code) => resolve({ code: code ?? 1, stdout, output }));
    if (input !== undefined) child.stdin?.end(input);
  });
}

/**
 * Runs a program like `run`.
 *
 * @throws StepError with the program's output if it fails
 */
export async function must(command, args, options) {
  const result = await run(command, args, options);
  if (result.code === 0) return result;
  throw new StepError(
    `${[command, ...args].join(" ")}\nended with exit code ${result.code}:\n${result.output.trimEnd()}`,
  );
}

/**
 * Runs a script's main part. Prints a StepError without its stack, any other error with it.
 *
 * @param {{ tidies?: boolean }} [options] with `tidies` a signal does not end the script before its cleanup
 */
export async function main(work, { tidies = false } = {}) {
  if (tidies) hearSignals();
  try {
    await work();
  } catch (error) {
    const known = error instanceof StepError || interruption.aborted;
    process.stderr.write(`\n${known ? error.message : error.stack}\n`);
    process.exitCode = 1;
  }
  endAsInterrupted();
}

/** Tells whether node was started with this module. */
export function isProgram(url) {
  return process.argv[1] !== undefined && fileURLToPath(url) === process.argv[1];
}
