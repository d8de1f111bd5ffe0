import { spawn } from "node:child_process";
import { existsSync, readFileSync } from "node:fs";
import { join } from "node:path";
import { expect, test } from "vitest";
import { waitFor } from "../support/wait.ts";
import { type Controls, makeControls } from "./support.ts";

/** Whether a signal is pending for a stopped process (proc(5), status). */
function awaits(pid: number, signal: "HUP" | "TERM"): boolean {
  const status = readFileSync(`/proc/${pid}/status`, "utf8");
  const mask = BigInt(`0x${/^ShdPnd:\s*([0-9a-f]+)$/m.exec(status)?.[1]}`);
  return (mask & (1n << BigInt(signal === "HUP" ? 0 : 14))) !== 0n;
}

async function supervisorOf(controls: Controls): Promise<number> {
  return waitFor(async () => (await controls.running()).runsvdir[0]);
}

test.runIf(process.platform === "linux")(
  "a stop that is killed before runsvdir has handled it is completed by the next start",
  async () => {
    await using controls = await makeControls();
    expect(await controls.run("runsvdir", ["start"])).toMatchObject({ exitCode: 0 });
    const before = await supervisorOf(controls);
    process.kill(before, "SIGSTOP");
    const { bin, run, daemonSocket } = controls.layout;
    const stopping = spawn(join(bin, "runsvdir"), ["stop"], {
      ...{ env: controls.env, stdio: "ignore", detached: true },
    });
    const over = new Promise((resolve) => stopping.once("exit", resolve));
    await waitFor(() => awaits(before, "HUP"), { every: 1 });
    if (stopping.pid) process.kill(-stopping.pid, "SIGKILL");
    await over;

    let isOver = false;
    const starting = controls.run("runsvdir", ["start"]).finally(() => {
      isOver = true;
    });
    await waitFor(() => isOver || awaits(before, "TERM"));
    process.kill(before, "SIGCONT");
    expect(await starting).toMatchObject({ exitCode: 0, stderr: "" });
    await waitFor(async () => {
      const { runsvdir } = await controls.running();
      return runsvdir.length === 1 && runsvdir[0] !== before;
    });
    await waitFor(() => existsSync(daemonSocket));
    expect(existsSync(join(run, "ending"))).toBe(false);
  },
);

test("a start beside a runsvdir that ends starts another one", async () => {
  await using controls = await makeControls();
  expect(await controls.run("runsvdir", ["start"])).toMatchObject({ exitCode: 0 });
  const before = await supervisorOf(controls);
  // Its daemon does not answer, and it exits only once the start waits for that.
  const daemon = await waitFor(async () =>
    Number((await controls.everything(0)).find((t) => t.includes("/daemon.js "))?.split(" ")[0]),
  );
  process.kill(daemon, "SIGSTOP");
  const starting = controls.run("runsvdir", ["start"]);
  await waitFor(async () => (await controls.everything(0)).some((t) => /\d+ curl /.test(t)));
  process.kill(before, "SIGHUP");
  await waitFor(async () => (await controls.running()).runsvdir.length === 0);
  try {
    process.kill(daemon, "SIGCONT");
  } catch {
    // By now the start has killed it.
  }
  expect(await starting).toMatchObject({ exitCode: 0, stderr: "" });
  await waitFor(async () => {
    const { runsvdir } = await controls.running();
    return runsvdir.length === 1 && runsvdir[0] !== before;
  });
});
