import { createHmac, randomBytes } from "node:crypto";
import type { Layout } from "../../model/layout.ts";
import { readIfThere, sha256, writeAtomically } from "../fs/files.ts";

/** The project's secret: roles' passwords are derived from it, so nothing else is remembered. */
export interface RolePasswords {
  /** Names the secret without telling it. */
  readonly id: string;
  passwordFor(slug: string, identity: string): string;
}

/** Reads `run/secret`; a lost one is made anew, and the roles get new passwords from it. */
export function readRolePasswords(layout: Layout): RolePasswords {
  const file = `${layout.run}/secret`;
  let bytes = readIfThere(file);
  if (bytes?.length !== 32) {
    bytes = randomBytes(32);
    writeAtomically(file, bytes);
  }
  const key = bytes;
  return {
    id: sha256(key).slice(0, 12),
    passwordFor: (slug, identity) =>
      createHmac("sha256", key).update(`${slug}\0${identity}`).digest("base64url"),
  };
}
