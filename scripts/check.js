import { join } from "node:path";
import { build } from "./build.js";
import { setup } from "./setup.js";
import { isProgram, main, must, root, StepError, step } from "./steps.js";
import { test } from "./test.js";

const checks = [
  ["Checking types", "tsc", ["--noEmit"]],
  ["Checking style, lint and layers", "biome", ["check"]],
  ["Looking for what nobody uses", "knip", []],
  ["Checking the package", "publint", ["--strict"]],
];

/** Runs all checks even if some fail, so that one run shows all problems; then the tests. */
async function check(args) {
  await setup(["tests"]);
  await build({ types: true });
  const problems = [];
  for (const [title, program, words] of checks) {
    try {
      await step(title, async () => {
        await must(join(root, "node_modules", ".bin", program), words);
      });
    } catch (error) {
      if (!(error instanceof StepError)) throw error;
      problems.push(error.message);
    }
  }
  if (problems.length > 0) throw new StepError(problems.join("\n\n"));
  if (!args.includes("--no-tests")) await test(args);
}

if (isProgram(import.meta.url)) {
  await main(() => check(process.argv.slice(2)), { tidies: true });
}
