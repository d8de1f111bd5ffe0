import { randomBytes } from "node:crypto";
import { readMark, type SchemaMark, writeMark } from "../../model/schema-mark.ts";
import { schemaOf } from "../../model/slug.ts";
import {
  IS_REGISTERED,
  REGISTRY,
  REGISTRY_STATEMENTS,
  register,
} from "../../schema-branch/registry.ts";
import { scramVerifier } from "../../schema-branch/scram.ts";
import type { Postgres } from "./client.ts";
import { EXTENSION_TRIGGER, EXTENSIONS } from "./extension-trigger.ts";
import { quoteName, quoteText } from "./quote.ts";
import { GROUP, GROUP_STATEMENTS, markRole, ROLE_MARK } from "./roles.ts";

/** A schema with our mark, or one that has a worktree's name without it. */
export interface FoundSchema {
  readonly schema: string;
  readonly mark?: SchemaMark;
}

/** Lists all schemas with our mark, and those without it that have such a name. One statement. */
export async function listSchemas(postgres: Postgres, slug?: string): Promise<FoundSchema[]> {
  const rows = await postgres.read<{ schema: string; mark: string | null }>(
    `SELECT n.nspname AS schema, r.mark FROM pg_namespace n LEFT JOIN ${REGISTRY} r ON ${IS_REGISTERED}
      WHERE ($1::text IS NULL AND (n.nspname LIKE 'wt\\_%' OR n.nspname LIKE 'retired\\_%'))
         OR n.nspname = $1 OR n.nspname LIKE $2`,
    slug === undefined
      ? [null, null]
      : [schemaOf(slug), `retired\\_${schemaOf(slug).slice(3).replaceAll("_", "\\_")}\\_%`],
  );
  return rows.map(({ schema, mark: text }) => {
    const mark = readMark(text);
    return mark ? { schema, mark } : { schema };
  });
}

/**
 * Prepares what all worktrees share: the schema for extensions, and no default privileges in `public`.
 * Idempotent.
 */
export async function prepareDatabase(postgres: Postgres): Promise<void> {
  await postgres.run([
    `CREATE SCHEMA IF NOT EXISTS ${EXTENSIONS}`,
    `GRANT USAGE ON SCHEMA ${EXTENSIONS} TO PUBLIC`,
    "REVOKE ALL ON SCHEMA public FROM PUBLIC",
    "REVOKE ALL ON DATABASE ikigai FROM PUBLIC",
    "GRANT CONNECT, TEMPORARY ON DATABASE ikigai TO PUBLIC",
    ...REGISTRY_STATEMENTS,
    ...GROUP_STATEMENTS,
    ...EXTENSION_TRIGGER,
  ]);
}

/** Returns statements that create a role that can log in and owns nothing yet, or reset an existing one. */
export async function roleStatements(role: string, password: string): Promise<string[]> {
  const verifier = quoteText(await scramVerifier(password));
  const settings = "LOGIN NOSUPERUSER NOCREATEDB NOCREATEROLE NOREPLICATION NOBYPASSRLS";
  return [
    `DO $do$ BEGIN IF NOT EXISTS (SELECT FROM pg_roles WHERE rolname = ${quoteText(role)}) THEN CREATE ROLE ${quoteName(role)}; END IF; END $do$`,
    `ALTER ROLE ${quoteName(role)} ${settings}`,
    // ALTER ROLE would also check the verifier against the empty password, which costs more than everything
    // else.
    `UPDATE pg_catalog.pg_authid SET rolpassword = ${verifier} WHERE rolname = ${quoteText(role)}`,
    `ALTER ROLE ${quoteName(role)} SET search_path = ${quoteName(role)}, ${EXTENSIONS}`,
    `GRANT ${GROUP} TO ${quoteName(role)}`,
    markRole(role),
  ];
}

/** Creates an empty schema and its role, in one transaction. */
export async function createSchema(
  postgres: Postgres,
  mark: SchemaMark,
  password: string,
): Promise<void> {
  const name = schemaOf(mark.worktree);
  await postgres.run([
    // If a crash of the machine loses it, it is created again; anything written into it later is flushed
    // after it.
    "SET LOCAL synchronous_commit = off",
    ...(await roleStatements(name, password)),
    `CREATE SCHEMA ${quoteName(name)} AUTHORIZATION ${quoteName(name)}`,
    register(name, writeMark(mark)),
  ]);
}

/** Sets the role's password to the one derived from the current secret. */
export async function resetRolePassword(
  postgres: Postgres,
  mark: SchemaMark,
  password: string,
): Promise<void> {
  const name = schemaOf(mark.worktree);
  await postgres.run([...(await roleStatements(name, password)), register(name, writeMark(mark))]);
}

/**
 * Registers a schema that its owner dropped and recreated by restoring a dump: it is not in the registry, but
 * belongs to the role of its name, which we created.
 *
 * @returns whether there was such a schema; if not, nothing has changed
 */
export async function adoptRecreated(
  postgres: Postgres,
  mark: SchemaMark,
  password: string,
): Promise<boolean> {
  const name = schemaOf(mark.worktree);
  const found = await postgres.read(
    `SELECT FROM pg_namespace n JOIN pg_roles r ON r.oid = n.nspowner
      WHERE n.nspname = $1 AND r.rolname = $1 AND shobj_description(r.oid, 'pg_authid') = $2`,
    [name, ROLE_MARK],
  );
  if (found.length === 0) return false;
  await resetRolePassword(postgres, mark, password);
  return true;
}

/** Returns the mark's fields for a schema whose setup commands have not run yet. */
export function pendingSetup(): Pick<SchemaMark, "setup" | "round"> {
  return { setup: "pending", round: randomBytes(6).toString("hex") };
}

/** Rewrites a schema's mark; changes nothing else. */
export async function writeSchemaMark(postgres: Postgres, mark: SchemaMark): Promise<void> {
  await postgres.run([register(schemaOf(mark.worktree), writeMark(mark))]);
}
