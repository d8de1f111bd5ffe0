import { spawn } from "node:child_process";
import { performance } from "node:perf_hooks";
import { fileURLToPath } from "node:url";

/** The checkout that these scripts belong to. */
export const root = fileURLToPath(new URL("..", import.meta.url)).replace(/\/$/, "");

/** A failure that is told in full by its message: no stack trace is shown. */
export class StepError extends Error {}

/** "0.8 s" or "2 min 5 s". */
function duration(milliseconds) {
  const seconds = milliseconds / 1000;
  if (seconds < 60) return `${seconds.toFixed(1)} s`;
  return `${Math.floor(seconds / 60)} min ${Math.round(seconds % 60)} s`;
}

/**
 * Does one step and prints one line: what it does, what came of it (when the step
 * returns a string) and how long it took.
 */
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

/**
 * Runs a program to its end. Never throws: a program that cannot be started has exit
 * code 127 and says why on `output`.
 *
 * @param {string} command
 * @param {readonly string[]} args
 * @param {import("node:child_process").SpawnOptions & { show?: boolean, input?: string }} [options]
 *   `show` lets the program write to this terminal.
 * @returns {Promise<{ code: number, stdout: string, output: string }>}
 */
export function run(command, args, { show = false, input, ...options } = {}) {
  return new Promise((resolve) => {
    const stdin = input === undefined ? "ignore" : "pipe";
    const stdio = show ? [stdin, "inherit", "inherit"] : [stdin, "pipe", "pipe"];
    const child = spawn(command, args, { cwd: root, stdio, ...options });
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

/** Like `run`, but a program that fails is a StepError which shows what it printed. */
export async function must(command, args, options) {
  const result = await run(command, args, options);
  if (result.code === 0) return result;
  throw new StepError(
    `${[command, ...args].join(" ")}\nended with exit code ${result.code}:\n${result.output.trimEnd()}`,
  );
}

/** Runs a script's main part: a StepError is told without its stack, anything else with it. */
export async function main(work) {
  try {
    await work();
  } catch (error) {
    process.stderr.write(`\n${error instanceof StepError ? error.message : error.stack}\n`);
    process.exitCode = 1;
  }
}

/** Whether this module is the program that node was asked to run. */
export function isProgram(url) {
  return process.argv[1] !== undefined && fileURLToPath(url) === process.argv[1];
}
