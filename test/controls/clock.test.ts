import { existsSync, mkdirSync, writeFileSync } from "node:fs";
import { dirname, join } from "node:path";
import { execa } from "execa";
import { describe, expect, test } from "vitest";
import { makeControls } from "./support.ts";

/** A `date` that advances by a day with each call, and a condition that holds at the third. */
async function waitWhileTimeJumps(seconds: number, sign: "+" | "-", command: string) {
  await using controls = await makeControls({ daemon: false });
  const bin = join(dirname(controls.layout.root), "jumping");
  mkdirSync(bin);
  const date = `#!/bin/sh\necho x >>"$0.asked"\necho $((2000000000 ${sign} 86400 * $(wc -l <"$0.asked")))\n`;
  writeFileSync(join(bin, "date"), date, { mode: 0o755 });
  const script = `home=$1
. "$home/scripts/lib/base.sh"
looks=0
third() { looks=$((looks + 1)); [ "$looks" -ge 3 ]; }
wait_until ${seconds} ${command}`;
  return await execa("sh", ["-c", script, "sh", controls.layout.ikigai], {
    env: { ...controls.env, PATH: `${bin}:${controls.env.PATH}` },
    extendEnv: false,
    reject: false,
    timeout: 20_000,
  });
}

// Elsewhere a shell has no clock that cannot be set.
describe.skipIf(!existsSync("/proc/uptime"))("waits use a clock that cannot be set", () => {
  test("set forward, no wait ends too early", async () => {
    expect(await waitWhileTimeJumps(5, "+", "third")).toMatchObject({ exitCode: 0, stderr: "" });
  });

  test("set back, no wait is endless", async () => {
    const ended = await waitWhileTimeJumps(0, "-", "false");
    expect(ended).toMatchObject({ exitCode: 1, timedOut: false, stderr: "" });
  });
});
