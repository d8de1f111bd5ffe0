import fs from "node:fs";
import type { Layout } from "../../model/layout.ts";
import { readRecord } from "../git/hook/manifest.ts";
import { HOOK_BODY, HOOK_EVENTS } from "../git/hook/script.ts";
import { joinRaw, listIfThere, lstatIfThere } from "./files.ts";
import { direnvDirectory, stateDirectory, type UserEnvironment } from "./xdg.ts";

/** Temporary names used by `writeAtomically`, `linkAtomically` and `writeEnvrc`. */
const TEMPORARY = /\.[0-9a-f]{12}(?:\.tmp)?$/;
/** The same, narrowed to our own names in the directories of git and direnv. */
const AMONG_GITS = /^\.?ikigai[a-z.-]*\.[0-9a-f]{12}(?:\.tmp)?$/;
const AMONG_HOOKS = new RegExp(
  `^(?:(?:${HOOK_EVENTS.join("|")})(?:\\.[a-z-]+)?|${HOOK_BODY})\\.[0-9a-f]{12}\\.tmp$`,
);
const OF_EXCLUDE = /^exclude\.[0-9a-f]{12}\.tmp$/;
const AMONG_DIRENVS = /^[0-9a-f]{64}\.[0-9a-f]{12}\.tmp$/;

/**
 * Removes temporary files left by a killed daemon, since half a file may hold a password. Removes only files
 * older than this process, because a command may be writing concurrently.
 *
 * @param commonDir git's common directory; its administrative directories are searched too
 */
export function sweepTemporaries(
  { run, environments, documents, sockets, logs }: Layout,
  commonDir: string,
  environment: UserEnvironment = process.env,
): void {
  const slots = listIfThere(`${run}/slots`).map((name) => `${run}/slots/${name}`);
  for (const directory of [run, environments, documents, sockets, `${logs}/.owners`, ...slots]) {
    sweep(directory, TEMPORARY);
  }
  const worktrees = `${commonDir}/worktrees`;
  sweep(commonDir, AMONG_GITS);
  sweep(`${commonDir}/info`, OF_EXCLUDE);
  const hooks = [Buffer.from(`${commonDir}/hooks`), ...readRecord(commonDir).map((at) => at.path)];
  for (const directory of hooks) sweep(directory, AMONG_HOOKS);
  for (const name of listIfThere(worktrees)) sweep(joinRaw(worktrees, name), AMONG_GITS);
  sweep(`${direnvDirectory(environment)}/allow`, AMONG_DIRENVS);
  sweep(`${stateDirectory(environment)}/direnv`, AMONG_DIRENVS);
}

function sweep(directory: Buffer | string, pattern: RegExp): void {
  const began = Date.now() - performance.now();
  for (const name of listIfThere(directory)) {
    if (!pattern.test(name.toString("latin1"))) continue;
    const path = joinRaw(directory, name);
    const stat = lstatIfThere(path);
    if (!stat || stat.isDirectory() || Number(stat.mtimeMs) >= began) continue;
    fs.rmSync(path, { force: true });
  }
}
