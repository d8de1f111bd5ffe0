import fs from "node:fs";
import { readIfThere, writeAtomically } from "../fs/files.ts";
import { stateDirectory, type UserEnvironment } from "../fs/xdg.ts";

/** The project-wide settings that were read last; used while no file has any. */
export interface LastSettings {
  readonly file: string;
  /** Whether the file was beside the worktrees. */
  readonly shared: boolean;
  readonly raw: unknown;
}

/**
 * Stores the settings in the user's state directory, out of reach of checkouts and of the deletion of
 * `.ikigai/run`. They may contain a password.
 */
export function writeLastSettings(
  identity: string,
  last: LastSettings,
  environment: UserEnvironment = process.env,
): void {
  const path = pathOf(identity, environment);
  const text = `${JSON.stringify(last)}\n`;
  if (readIfThere(path)?.toString() === text) return;
  fs.mkdirSync(path.slice(0, path.lastIndexOf("/")), { recursive: true, mode: 0o700 });
  writeAtomically(path, text);
}

/** Returns undefined if there are none or they cannot be read. */
export function readLastSettings(
  identity: string,
  environment: UserEnvironment = process.env,
): LastSettings | undefined {
  try {
    const text = readIfThere(pathOf(identity, environment))?.toString();
    const value = JSON.parse(text ?? "") as Partial<LastSettings> | null;
    if (typeof value?.file !== "string" || typeof value.shared !== "boolean") return undefined;
    return { file: value.file, shared: value.shared, raw: value.raw };
  } catch {
    return undefined;
  }
}

/** Deletes the settings when a project is uninstalled. */
export function removeLastSettings(
  identity: string,
  environment: UserEnvironment = process.env,
): void {
  fs.rmSync(pathOf(identity, environment), { force: true });
}

function pathOf(identity: string, environment: UserEnvironment): string {
  return `${stateDirectory(environment)}/settings/${identity}`;
}
