import { existsSync, mkdtempSync, readFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { build } from "./build.js";
import { endAll, endMarked, processesOf } from "./processes.js";
import { removeProjects } from "./remove.js";
import { setup } from "./setup.js";
import { isProgram, main, root, run } from "./steps.js";

const HEADINGS = ["FAULT", "RECOVERY", "LOST", "LEFT OVER", ""];

/** Formats a table of the faults, the time to recover, what was lost and what was left over. */
export function tableOf(rows) {
  const cells = rows.map(({ fault, recovery, lost, left, note }) => [
    fault,
    recovery === undefined ? "-" : `${(recovery / 1000).toFixed(1)} s`,
    lost ?? "not counted",
    left ?? "not counted",
    note ?? "",
  ]);
  const all = [HEADINGS, ...cells];
  const widths = HEADINGS.map((_, i) => Math.max(...all.map((row) => row[i].length)));
  const line = (row) =>
    row
      .map((cell, i) => cell.padEnd(widths[i]))
      .join("  ")
      .trimEnd();
  return all.map((row) => `  ${line(row)}`).join("\n");
}

function readRows(file) {
  if (!existsSync(file)) return [];
  const lines = readFileSync(file, "utf8").split("\n").filter(Boolean);
  return lines.map((line) => JSON.parse(line));
}

/**
 * Injects every known fault into real projects. SOAK_MINUTES sets how long the soak lasts (30 is the long
 * form), SOAK_SEED its random seed; SWEEP_STEP=1 kills at every writing system call, not at some of each.
 */
export async function faults(args) {
  if (process.platform !== "linux") throw new Error("Faults are read from /proc: Linux only.");
  await setup(["tests", "faults"]);
  await build();
  const temporary = mkdtempSync(join(tmpdir(), "iki-f"));
  const table = join(temporary, "table");
  try {
    const vitest = join(root, "node_modules", "vitest", "vitest.mjs");
    const config = ["--config", join(root, "vitest.faults.config.ts")];
    const { code } = await run(process.execPath, [vitest, "run", ...config, ...args], {
      cwd: root,
      env: { ...process.env, TMPDIR: temporary, IKIGAI_FAULTS_TABLE: table },
      show: true,
    });
    const left = await processesOf([temporary], { patience: 5_000 });
    console.log(`\n${tableOf(readRows(table))}`);
    for (const { title } of left) console.log(`Still running: ${title}`);
    await endAll(left);
    if (code !== 0 || left.length > 0) process.exitCode = 1;
  } finally {
    await endMarked([temporary]);
    removeProjects(temporary);
  }
}

if (isProgram(import.meta.url)) {
  await main(() => faults(process.argv.slice(2)), { tidies: true });
}
