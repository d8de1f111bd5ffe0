import { createHash, createHmac, pbkdf2, randomBytes, timingSafeEqual } from "node:crypto";
import { promisify } from "node:util";

const ITERATIONS = 4096;

/** Returns an unguessable password: 192 random bits in URL-safe characters. */
export function randomPassword(): string {
  return randomBytes(24).toString("base64url");
}

/**
 * Returns the verifier that Postgres stores for a password (RFC 5803), so that the password itself is in no
 * statement and no log.
 */
export async function scramVerifier(
  password: string,
  iterations = ITERATIONS,
  salt = randomBytes(16),
): Promise<string> {
  const salted = await promisify(pbkdf2)(password, salt, iterations, 32, "sha256");
  const key = (label: string) => createHmac("sha256", salted).update(label).digest();
  const stored = createHash("sha256").update(key("Client Key")).digest("base64");
  const server = key("Server Key").toString("base64");
  return `SCRAM-SHA-256$${iterations}:${salt.toString("base64")}$${stored}:${server}`;
}

/** Tells whether a verifier was made from this password. */
export async function matchesVerifier(password: string, verifier: string): Promise<boolean> {
  const [, iterations, salt] = /^SCRAM-SHA-256\$(\d+):([^$]+)\$/.exec(verifier) ?? [];
  if (iterations === undefined || salt === undefined) return false;
  const own = await scramVerifier(password, Number(iterations), Buffer.from(salt, "base64"));
  const [left, right] = [Buffer.from(own), Buffer.from(verifier)];
  return left.length === right.length && timingSafeEqual(left, right);
}
