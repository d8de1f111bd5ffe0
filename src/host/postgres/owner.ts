import fs from "node:fs";
import { ownerPasswordFile } from "../../model/environment-variables.ts";
import { matchesVerifier, randomPassword, scramVerifier } from "../../schema-branch/scram.ts";
import { readIfThere, writeAtomically } from "../fs/files.ts";
import { stateDirectory, type UserEnvironment } from "../fs/xdg.ts";

/**
 * Returns the directory of a project's owner login: `password`, `pgpass` (libpq, "The Password File") and
 * `verifier` (what the server stores). It is in the user's state directory, outside of every repository, so
 * that programs in a worktree do not come across it.
 */
export function ownerDirectory(
  identity: string,
  environment: UserEnvironment = process.env,
): string {
  return `${stateDirectory(environment)}/owners/${identity}`;
}

/**
 * Writes the owner's login with the given password, else the existing one, else a random one. The server
 * adopts it at its next start (scripts/postgres-access).
 */
export async function prepareOwner(directory: string, wanted?: string): Promise<void> {
  fs.mkdirSync(directory, { recursive: true, mode: 0o700 });
  const present = readIfThere(`${directory}/password`)?.toString().replace(/\n$/, "");
  const password = wanted ?? (present || randomPassword());
  const verifier = readIfThere(`${directory}/verifier`)?.toString().trim() ?? "";
  replaceFile(`${directory}/password`, `${password}\n`);
  replaceFile(`${directory}/pgpass`, ownerPasswordFile(password));
  if (!(await matchesVerifier(password, verifier))) {
    writeAtomically(`${directory}/verifier`, `${await scramVerifier(password)}\n`);
  }
}

/** Returns the owner's password; "" if there is none yet. */
export function readOwnerPassword(directory: string): string {
  return readIfThere(`${directory}/password`)?.toString().replace(/\n$/, "") ?? "";
}

/** Deletes the login. The server's data keeps its verifier until a new login is created. */
export function removeOwner(directory: string): void {
  fs.rmSync(directory, { recursive: true, force: true });
}

function replaceFile(path: string, text: string): void {
  if (readIfThere(path)?.toString() === text) return;
  writeAtomically(path, text, { mode: 0o600 });
}
