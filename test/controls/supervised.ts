import { expect } from "vitest";
import { waitFor } from "../support/wait.ts";
import type { Controls } from "./support.ts";

/** Processes that look after one service: `runsv NAME`. */
export async function keeperOf(controls: Controls, service: string): Promise<number> {
  const line = (await controls.everything(0)).find((title) => title.endsWith(` runsv ${service}`));
  return Number(line?.split(" ")[0]);
}

export async function one(
  controls: Controls,
  name: "nginx" | "postgres" | "runsvdir",
): Promise<number> {
  return waitFor(async () => {
    const pids = (await controls.running())[name];
    expect(pids.length).toBeLessThan(2);
    return pids[0];
  });
}

/** Ends processes by force and waits until the kernel has done so. */
export async function crash(controls: Controls, ...pids: number[]): Promise<void> {
  for (const pid of pids) process.kill(pid, "SIGKILL");
  await waitFor(async () => {
    const alive = (await controls.everything(0)).map((title) => Number(title.split(" ")[0]));
    return pids.every((pid) => !alive.includes(pid));
  });
}

export async function did(controls: Controls, line: string): Promise<void> {
  const [control = "", ...args] = line.split(" ");
  expect({ line, ...(await controls.run(control, args)) }).toMatchObject({ exitCode: 0 });
}
