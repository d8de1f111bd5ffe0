import { existsSync, mkdtempSync, readFileSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterEach, beforeEach, expect, it } from "vitest";
import { evaluateApart } from "../../src/discovery/configuration-process.ts";
import { waitFor } from "../support/wait.ts";

let directory: string;
beforeEach(() => {
  directory = mkdtempSync(join(tmpdir(), "iki-"));
});
afterEach(() => rmSync(directory, { recursive: true, force: true }));

const evaluate = (source: string, patience?: number) =>
  evaluateApart(source, join(directory, "ikigai.config.mjs"), patience);

it("returns what a program exports, not what it prints", async () => {
  const source = 'console.log("x"); export default { http: { port: 9000 } };';
  expect(await evaluate(source)).toEqual({ ok: true, value: { http: { port: 9000 } } });
});

it.each([
  ["goes round and round", "for (;;) {}"],
  [
    "waits for another program",
    'import { execSync } from "node:child_process"; execSync("sleep 600");',
  ],
  ["never comes to an end", "await new Promise(() => setInterval(() => {}, 1000));"],
])("ends one that %s, and what it started, while others go on", async (_, source) => {
  const marker = join(directory, "pid");
  const note = `import fs from "node:fs"; fs.writeFileSync(${JSON.stringify(marker)}, String(process.pid));`;
  let ticks = 0;
  const ticking = setInterval(() => ticks++, 10);
  const evaluating = evaluate(`${note}\n${source}`, 3_000);
  await waitFor(() => existsSync(marker));
  const before = ticks;
  await waitFor(() => ticks > before);
  expect(await evaluating).toEqual({ ok: false, message: "failed: it did not finish within 3 s" });
  clearInterval(ticking);
  const pid = Number(readFileSync(marker, "utf8"));
  await waitFor(() => !isAlive(-pid), { what: "its group to have ended" });
});

function isAlive(pid: number): boolean {
  try {
    process.kill(pid, 0);
    return true;
  } catch {
    return false;
  }
}

it.each([
  ["ends early", "process.exit(0);", "it exited before it exported anything"],
  ["exports a function", "export default { f() {} };", "exports something other than plain data"],
  ["fails", 'throw new Error("no such port");', "failed: no such port"],
])("says of one that %s why there is nothing", async (_, source, why) => {
  const evaluated = await evaluate(source);
  expect(evaluated).toMatchObject({ ok: false, message: expect.stringContaining(why) });
});

it("does not wait for processes that a program left running", async () => {
  const source = `import { spawn } from "node:child_process";
    const left = spawn("sleep", ["60"], { stdio: [0, 1, 2, 3], detached: true });
    left.unref();
    export default { pid: left.pid };`;
  const evaluated = await evaluate(source, 30_000);
  expect(evaluated).toEqual({ ok: true, value: { pid: expect.any(Number) } });
  if (evaluated.ok) process.kill((evaluated.value as { pid: number }).pid);
});
