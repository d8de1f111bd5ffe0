import fs from "node:fs";
import { ownerPasswordFile } from "../../model/environment-variables.ts";
import { matchesVerifier, randomPassword, scramVerifier } from "../../schema-branch/scram.ts";
import { readIfThere, writeAtomically } from "../fs/files.ts";
import { stateDirectory, type UserEnvironment } from "../fs/xdg.ts";

/**
 * Where the login of a project's database owner lies: `password`, `pgpass` (libpq, "The Password
 * File") and `verifier` (what the server stores). In the user's state directory, outside of every
 * repository, so that nothing that runs in a worktree meets it there.
 */
export function ownerDirectory(
  identity: string,
  environment: UserEnvironment = process.env,
): string {
  return `${stateDirectory(environment)}/owners/${identity}`;
}

/**
 * Writes the owner's login: the password that is given, else the one that is there, else a random
 * one. The server takes it over when it starts next (scripts/postgres-access).
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

/** The password of the owner; empty where none has been made yet. */
export function readOwnerPassword(directory: string): string {
  return readIfThere(`${directory}/password`)?.toString().replace(/\n$/, "") ?? "";
}

/** Forgets the login. The server's data keeps its verifier until a new login is made. */
export function removeOwner(directory: string): void {
  fs.rmSync(directory, { recursive: true, force: true });
}

function replaceFile(path: string, text: string): void {
  if (readIfThere(path)?.toString() === text) return;
  writeAtomically(path, text, { mode: 0o600 });
}
