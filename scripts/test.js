import { chmodSync, mkdtempSync, readFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { asThrowawayUser } from "./account.js";
import { build } from "./build.js";
import { endAll, endMarked, processesOf } from "./processes.js";
import { removeProjects } from "./remove.js";
import { setup } from "./setup.js";
import { isProgram, main, root, run } from "./steps.js";

// Tests that run a whole project, which differs between root and other accounts.
const integration = ["test/integration", "test/fixtures"];
const nothing = { passed: 0, failed: 0, skipped: 0 };

function add(a, b) {
  return {
    passed: a.passed + b.passed,
    failed: a.failed + b.failed,
    skipped: a.skipped + b.skipped,
  };
}

/** Counts the results in vitest's JSON report; a file that could not be loaded is one failure. */
export function countsOf(report, code) {
  const broken = report.testResults.filter(
    (file) => file.status === "failed" && !file.assertionResults.some((t) => t.status === "failed"),
  ).length;
  const failed = report.numFailedTests + broken;
  return {
    passed: report.numPassedTests,
    failed: failed === 0 && code !== 0 ? 1 : failed,
    skipped: report.numPendingTests + report.numTodoTests,
  };
}

function readReport(file, code) {
  try {
    return countsOf(JSON.parse(readFileSync(file, "utf8")), code);
  } catch {
    return { ...nothing, failed: 1 };
  }
}

/** Counts processes that still run after the tests as a failure, and ends them. */
async function checkLeftovers(marks) {
  const left = await processesOf(marks, { patience: 5_000 });
  if (left.length === 0) return nothing;
  console.log(
    `Still running after the tests:\n${left.map(({ title }) => `  ${title}`).join("\n")}`,
  );
  await endAll(left);
  return { ...nothing, failed: 1 };
}

/**
 * Runs vitest in its own temporary directory, so that everything it leaves behind is found.
 *
 * @param {{ title: string, cwd: string, temporary: string, args: string[],
 *   wrap: (command: string[]) => string[], env: NodeJS.ProcessEnv, show?: boolean }} options
 *   `show`: whether its output is shown as it comes, or all of it at the end
 */
async function vitest({ title, cwd, temporary, args, wrap, env, show = true }) {
  if (show) console.log(`\n${title}`);
  const report = join(temporary, "report.json");
  const reporters = ["--reporter=default", "--reporter=json", `--outputFile.json=${report}`];
  const [command, ...rest] = wrap([
    process.execPath,
    join(cwd, "node_modules", "vitest", "vitest.mjs"),
    "run",
    ...reporters,
    ...args,
  ]);
  try {
    const options = { cwd, env: { ...env, TMPDIR: temporary }, show };
    const { code, output } = await run(command, rest, options);
    if (!show) console.log(`\n${title}\n${output}`);
    return add(readReport(report, code), await checkLeftovers([temporary]));
  } finally {
    // After an interruption, something may still run here.
    await endMarked([temporary]);
  }
}

async function asPresentUser(args) {
  const temporary = mkdtempSync(join(tmpdir(), "iki-t"));
  // Open like /tmp, because as root some tests work for other accounts.
  chmodSync(temporary, 0o1777);
  try {
    const options = { cwd: root, temporary, args, wrap: (command) => command, env: process.env };
    return await vitest({ title: "Testing as the present user", ...options });
  } finally {
    removeProjects(temporary);
  }
}

/** Runs beside the present user's pass, as most tests wait more than they compute. */
function asOrdinaryUser(args) {
  return asThrowawayUser(({ name, ...account }) =>
    vitest({
      title: `Tested as an ordinary user (${name})`,
      args: ["--maxWorkers=2", ...args],
      show: false,
      ...account,
    }),
  );
}

/** Sets up, builds and runs all tests; arguments are passed on to vitest. */
export async function test(args) {
  await setup(["tests"]);
  await build();
  const again = args.length === 0 ? integration : args;
  const isIntegration = again.some((word) => integration.some((part) => word.includes(part)));
  const passes = [asPresentUser(args)];
  if (process.getuid?.() === 0 && isIntegration) passes.push(asOrdinaryUser(again));
  const ended = await Promise.allSettled(passes);
  const failure = ended.find(({ status }) => status === "rejected");
  if (failure) throw failure.reason;
  const counts = ended.map(({ value }) => value).reduce(add);
  const skipped = counts.skipped > 0 ? `, ${counts.skipped} skipped` : "";
  console.log(`\n${counts.passed} passed, ${counts.failed} failed${skipped}`);
  if (counts.failed > 0 || counts.passed === 0) process.exitCode = 1;
}

if (isProgram(import.meta.url)) {
  await main(() => test(process.argv.slice(2)), { tidies: true });
}
