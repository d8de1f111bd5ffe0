import { createSpinner } from "nanospinner";
import { pc } from "./colours.ts";

/**
 * Runs one step and reports its result and duration on standard error: with a spinner on a terminal,
 * otherwise as one line at the end.
 */
export async function withSpinner<T>(name: string, work: () => Promise<T>): Promise<T> {
  const began = performance.now();
  const terminal = process.stderr.isTTY === true;
  const spinner = terminal ? createSpinner(name, { stream: process.stderr }).start() : undefined;
  const took = () => pc.dim(`${((performance.now() - began) / 1000).toFixed(1)} s`);
  try {
    const result = await work();
    if (spinner) spinner.success({ text: `${name} ${took()}` });
    else process.stderr.write(`${pc.green("✔")} ${name} ${took()}\n`);
    return result;
  } catch (error) {
    if (spinner) spinner.error({ text: name });
    else process.stderr.write(`${pc.red("✖")} ${name}\n`);
    throw error;
  }
}
