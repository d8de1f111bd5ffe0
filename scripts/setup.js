import { existsSync, lstatSync, statSync } from "node:fs";
import { join } from "node:path";
import { aptScript, commandFor, managers, packagesOf } from "./managers.js";
import { findProgram, missingRequirements, requirementsFor } from "./programs.js";
import { isProgram, main, must, root, run, StepError, step } from "./steps.js";

function atLeast(version, minimum) {
  const have = version.split(".").map(Number);
  const need = minimum.split(".").map(Number);
  for (const [index, part] of need.entries()) {
    if ((have[index] ?? 0) !== part) return (have[index] ?? 0) > part;
  }
  return true;
}

async function checkVersions() {
  const node = process.versions.node;
  const git = (await run("git", ["--version"])).stdout.match(/\d+(\.\d+)+/)?.[0];
  if (!atLeast(node, "20.19")) {
    throw new StepError(`Node is ${node}, ikigai needs 20.19 or newer. Install a newer Node.`);
  }
  if (git === undefined || !atLeast(git, "2.39")) {
    throw new StepError(
      `${git === undefined ? "git is missing" : `git is ${git}`}, ikigai needs 2.39 or newer.`,
    );
  }
  return `Node ${node}, git ${git}`;
}

/** Tells whether node_modules is current: npm wrote its own lock file there after ours last changed. */
function dependenciesAreCurrent() {
  const installed = join(root, "node_modules", ".package-lock.json");
  if (!existsSync(installed)) return false;
  return statSync(installed).mtimeMs >= statSync(join(root, "package-lock.json")).mtimeMs;
}

/** Tells whether node_modules is a link, through which npm would empty a directory that others use. */
function dependenciesAreLinked() {
  const modules = join(root, "node_modules");
  return lstatSync(modules, { throwIfNoEntry: false })?.isSymbolicLink() === true;
}

async function installDependencies() {
  if (dependenciesAreLinked()) return "linked, left as they are";
  if (dependenciesAreCurrent()) return "already there";
  // No dependency needs its install script: esbuild and Biome ship their binaries in packages. `npm run
  // --silent` would silence this npm too, including the reason of a failure.
  const options = ["--ignore-scripts", "--no-audit", "--no-fund", "--loglevel=error"];
  const clean = await run("npm", ["ci", ...options]);
  if (clean.code === 0) return "installed";
  // A registry without packages of other platforms yields a lock file that `npm ci` refuses.
  if (clean.output.includes("EUSAGE")) await must("npm", ["install", "--no-save", ...options]);
  else throw new StepError(`npm ci failed:\n${clean.output.trimEnd()}`);
  return "installed";
}

/** Returns the prefix that makes a command run as root, or undefined if we may not. */
async function becomeRoot() {
  if (process.getuid?.() === 0) return [];
  const sudo = await run("sudo", ["-n", "true"]);
  return sudo.code === 0 ? ["sudo", "-n"] : undefined;
}

function whatToType(names) {
  const lines = managers.map(
    (manager) => `  ${manager.name.padEnd(7)} ${commandFor(manager, names)}`,
  );
  return [
    `Missing: ${names.join(", ")}. Install with the command of your system, then try again:`,
    ...lines,
  ].join("\n");
}

async function install(names, purposes) {
  const manager = managers.find(({ program }) => findProgram(program) !== undefined);
  const prefix = manager?.root ? await becomeRoot() : [];
  const packages = manager === undefined ? [] : packagesOf(manager, names);
  if (manager === undefined || prefix === undefined || packages.length === 0) {
    throw new StepError(whatToType(names));
  }
  const command = manager.unattended?.split(" ") ?? ["sh", "-c", aptScript, "sh"];
  const [program, ...args] = [...prefix, ...command, ...packages];
  const result = await run(program, args);
  const still = missingRequirements(purposes).filter(({ name }) => names.includes(name));
  if (still.length > 0) {
    const left = still.map(({ name }) => name);
    throw new StepError(`${result.output.trimEnd()}\n\n${whatToType(left)}`);
  }
  return `installed ${packages.join(", ")} with ${manager.name}`;
}

async function installPrograms(purposes) {
  const names = missingRequirements(purposes).map(({ name }) => name);
  return names.length === 0 ? "already there" : install(names, purposes);
}

/**
 * Prepares a fresh clone: checks versions, and installs npm dependencies and system programs, including those
 * needed only for these purposes. Prints a line per step.
 *
 * @param {readonly ("tests" | "faults" | "bench")[]} purposes
 * @throws StepError that says which command to type, if something is missing and cannot be installed from
 * here
 */
export async function setup(purposes = []) {
  await step("Checking Node and git", checkVersions);
  await step("Looking for npm dependencies", installDependencies);
  const names = requirementsFor(purposes).map(({ name }) => name);
  await step(`Looking for ${names.join(", ")}`, () => installPrograms(purposes));
}

if (isProgram(import.meta.url)) {
  await main(() => setup(process.argv.includes("--tests") ? ["tests"] : []));
}
