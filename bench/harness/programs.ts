import { spawn, spawnSync } from "node:child_process";

export type Environment = Readonly<Record<string, string>>;

export interface Place {
  readonly cwd: string;
  readonly env: Environment;
}

/**
 * Runs a program to its end and returns its duration in milliseconds, start included. Blocks this
 * process. Throws with the program's output when it fails.
 */
export function time(place: Place, command: string, ...args: string[]): number {
  const began = performance.now();
  const result = spawnSync(command, args, { ...place, stdio: ["ignore", "pipe", "pipe"] });
  const took = performance.now() - began;
  if (result.status === 0) return took;
  const said = result.error?.message ?? `${result.stdout}${result.stderr}`;
  throw new Error(`${command} ${args.join(" ")} failed: ${said}`);
}

/** Returns its standard output. Throws when it fails. */
export function output(place: Place, command: string, ...args: string[]): string {
  const options = { ...place, encoding: "utf8", maxBuffer: 2 ** 28 } as const;
  const result = spawnSync(command, args, options);
  if (result.status === 0) return result.stdout;
  const said = result.error?.message ?? `${result.stdout}${result.stderr}`;
  throw new Error(`${command} ${args.join(" ")} failed: ${said}`);
}

/** Starts a program beside others; settles with its duration. */
export function timeBeside(place: Place, command: string, ...args: string[]): Promise<number> {
  const began = performance.now();
  return new Promise((resolve, reject) => {
    const child = spawn(command, args, { ...place, stdio: ["ignore", "ignore", "pipe"] });
    let said = "";
    child.stderr.setEncoding("utf8").on("data", (text) => {
      said += text;
    });
    child.on("error", reject);
    child.on("close", (code) => {
      if (code === 0) resolve(performance.now() - began);
      else reject(new Error(`${command} ${args.join(" ")} failed: ${said}`));
    });
  });
}

export function isInstalled(program: string): boolean {
  return !spawnSync(program, ["--version"], { stdio: "ignore" }).error;
}

/** Polls every `every` milliseconds until `condition` returns a value. Throws at the deadline. */
export async function until<T>(
  what: string,
  condition: () => Promise<T | undefined | false> | T | undefined | false,
  { seconds = 60, every = 5 }: { seconds?: number; every?: number } = {},
): Promise<T> {
  const deadline = Date.now() + seconds * 1000;
  for (;;) {
    const found = await condition();
    if (found !== undefined && found !== false) return found;
    if (Date.now() > deadline) throw new Error(`Waited ${seconds} s in vain for ${what}.`);
    await new Promise((resolve) => setTimeout(resolve, every));
  }
}
