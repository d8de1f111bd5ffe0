import fs from "node:fs";
import { joinRaw, lstatIfThere, readIfThere } from "../../fs/files.ts";
import { replaceFile } from "../../fs/replace-file.ts";
import { removeIfEmpty } from "../info-exclude.ts";
import {
  ASIDE_DIRECTORY,
  asideOf,
  foreignHook,
  HOOK_BODY,
  HOOK_EVENTS,
  type HookEvent,
  hookKind,
  ownHook,
  sharedHook,
  tornProblem,
  wrappingHook,
} from "./script.ts";

/**
 * Adds our block to every hook in a directory, or creates the hook if there is none. Writes only what
 * differs.
 *
 * @param body the script that the blocks run, latin1
 * @returns problems, one sentence each
 * @throws the file system's error, such as EACCES
 */
export function installInto(directory: Buffer, body: string): string[] {
  installBody(directory, body);
  return HOOK_EVENTS.flatMap((event) => installEvent(directory, event) ?? []);
}

/** Installs only the script, for hooks that call it themselves. */
export function installBody(directory: Buffer, body: string): undefined {
  write(joinRaw(directory, HOOK_BODY), body);
}

/** Removes everything of ours from a directory and restores its hooks byte for byte. */
export function removeFrom(directory: Buffer): void {
  for (const event of HOOK_EVENTS) {
    tidyCopies(directory, event);
    removeEvent(directory, event);
    fs.rmSync(joinRaw(directory, ASIDE_DIRECTORY, event), { force: true });
  }
  removeIfEmpty(joinRaw(directory, ASIDE_DIRECTORY));
  removeBody(directory);
}

/** Removes only the script. */
export function removeBody(directory: Buffer): void {
  fs.rmSync(joinRaw(directory, HOOK_BODY), { force: true });
}

function installEvent(directory: Buffer, event: HookEvent): string | undefined {
  tidyCopies(directory, event);
  const path = joinRaw(directory, event);
  const stat = lstatIfThere(path);
  const aside = lstatIfThere(joinRaw(directory, asideOf(event))) !== undefined;
  if (!stat) {
    writeOurs(directory, event, aside);
    return undefined;
  }
  if (!stat.isFile()) {
    if (stat.isSymbolicLink()) return setAside(directory, event, aside);
    return `${event} is neither a file nor a link`;
  }
  const text = fs.readFileSync(path, "latin1");
  switch (hookKind(text)) {
    case "own":
    case "wrapping":
    case "cut":
      writeOurs(directory, event, aside);
      return undefined;
    case "torn":
      return tornProblem(event);
    case "shell": {
      const mode = Number(stat.mode) & 0o7777;
      // git does not run a hook that is not executable; adding our block would mean making it executable.
      if ((mode & 0o111) === 0) return setAside(directory, event, aside);
      const shared = sharedHook(text);
      if (shared !== text) replaceFile(path, shared, mode);
      return undefined;
    }
    case "program":
      return setAside(directory, event, aside);
  }
}

function writeOurs(directory: Buffer, event: HookEvent, wraps: boolean): void {
  if (wraps) {
    const link = joinRaw(directory, ASIDE_DIRECTORY, event);
    if (!lstatIfThere(link)) {
      fs.mkdirSync(joinRaw(directory, ASIDE_DIRECTORY), { recursive: true });
      fs.symlinkSync(`../${asideOf(event)}`, link);
    }
  }
  write(joinRaw(directory, event), wraps ? wrappingHook(event) : ownHook());
}

/** Renames the hook, which keeps everything: bytes, mode, a link's relative target. */
function setAside(directory: Buffer, event: HookEvent, occupied: boolean): string | undefined {
  if (occupied) {
    return `${asideOf(event)} is from an earlier hook and in the way: move it, or run \`ikigai uninstall\` first`;
  }
  fs.renameSync(joinRaw(directory, event), joinRaw(directory, asideOf(event)));
  writeOurs(directory, event, true);
  return undefined;
}

function removeEvent(directory: Buffer, event: HookEvent): void {
  const path = joinRaw(directory, event);
  const aside = joinRaw(directory, asideOf(event));
  const stat = lstatIfThere(path);
  if (stat && !stat.isFile()) return;
  const text = stat && fs.readFileSync(path, "latin1");
  const kind = text === undefined ? "own" : hookKind(text);
  if (kind === "own" || kind === "wrapping" || kind === "cut") {
    if (lstatIfThere(aside)) fs.renameSync(aside, path);
    else fs.rmSync(path, { force: true });
  } else if (text !== undefined && stat && kind !== "torn") {
    const plain = foreignHook(text);
    if (plain !== text) replaceFile(path, plain, Number(stat.mode) & 0o7777);
  }
}

/**
 * Removes our block from copies made by hook managers. lefthook renames a hook that it replaces to `.old`;
 * pre-commit renames it to `.legacy` and runs it. The new hook gets our block, so the copy must not have it:
 * ours would run twice, and lefthook refuses to install where an `.old` exists.
 */
function tidyCopies(directory: Buffer, event: HookEvent): void {
  for (const suffix of [".old", ".legacy"]) {
    const copy = joinRaw(directory, `${event}${suffix}`);
    const stat = lstatIfThere(copy);
    if (!stat?.isFile()) continue;
    const text = fs.readFileSync(copy, "latin1");
    const kind = hookKind(text);
    const aside = joinRaw(directory, asideOf(event));
    if (kind === "wrapping" && lstatIfThere(aside)) fs.renameSync(aside, copy);
    else if (kind === "own" || kind === "wrapping" || kind === "cut") fs.rmSync(copy);
    else if (kind === "shell" && foreignHook(text) !== text) {
      replaceFile(copy, foreignHook(text), Number(stat.mode) & 0o7777);
    }
  }
}

function write(path: Buffer, text: string): void {
  const stat = lstatIfThere(path);
  const same =
    stat?.isFile() &&
    (Number(stat.mode) & 0o777) === 0o755 &&
    readIfThere(path)?.toString("latin1") === text;
  if (!same) replaceFile(path, text, 0o755);
}
