import { createHmac, randomBytes } from "node:crypto";
import type { Layout } from "../../model/layout.ts";
import { readIfThere, sha256, writeAtomically } from "../fs/files.ts";

/** The project's secret, from which the roles' passwords are derived, so that nothing else must be stored. */
export interface RolePasswords {
  /** Identifies the secret without revealing it. */
  readonly id: string;
  passwordFor(slug: string, identity: string): string;
}

/** Reads `run/secret`. If it is missing, creates a new one, and the roles get new passwords. */
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
