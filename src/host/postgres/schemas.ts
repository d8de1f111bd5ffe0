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

/** A schema that bears our mark, or one that has a worktree's name without it. */
export interface FoundSchema {
  readonly schema: string;
  readonly mark?: SchemaMark;
}

/** Every schema with our mark, and every other that is in the way of one. One statement. */
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

/** The shared part: the schema for extensions, and nothing for everybody in `public`. Idempotent. */
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

/** A role that may log in and owns nothing yet, left over or new. */
export async function roleStatements(role: string, password: string): Promise<string[]> {
  const verifier = quoteText(await scramVerifier(password));
  const settings = "LOGIN NOSUPERUSER NOCREATEDB NOCREATEROLE NOREPLICATION NOBYPASSRLS";
  return [
    `DO $do$ BEGIN IF NOT EXISTS (SELECT FROM pg_roles WHERE rolname = ${quoteText(role)}) THEN CREATE ROLE ${quoteName(role)}; END IF; END $do$`,
    `ALTER ROLE ${quoteName(role)} ${settings}`,
    // ALTER ROLE would also try whether it is the empty password's, which costs more than all the rest.
    `UPDATE pg_catalog.pg_authid SET rolpassword = ${verifier} WHERE rolname = ${quoteText(role)}`,
    `ALTER ROLE ${quoteName(role)} SET search_path = ${quoteName(role)}, ${EXTENSIONS}`,
    `GRANT ${GROUP} TO ${quoteName(role)}`,
    markRole(role),
  ];
}

/** An empty schema and its role, in one transaction. */
export async function createSchema(
  postgres: Postgres,
  mark: SchemaMark,
  password: string,
): Promise<void> {
  const name = schemaOf(mark.worktree);
  await postgres.run([
    // Made again if a crash of the machine loses it; whatever is put into it is written after it.
    "SET LOCAL synchronous_commit = off",
    ...(await roleStatements(name, password)),
    `CREATE SCHEMA ${quoteName(name)} AUTHORIZATION ${quoteName(name)}`,
    register(name, writeMark(mark)),
  ]);
}

/** Gives the role the password of the present secret. */
export async function resetRolePassword(
  postgres: Postgres,
  mark: SchemaMark,
  password: string,
): Promise<void> {
  const name = schemaOf(mark.worktree);
  await postgres.run([...(await roleStatements(name, password)), register(name, writeMark(mark))]);
}

/**
 * Takes back a schema that its owner, by restoring a dump, dropped and made again: not in the registry,
 * but it belongs to the role of its name, which we made.
 *
 * @returns whether it was one; else nothing has changed
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

/** What a schema says while the project's commands for it have not run. */
export function pendingSetup(): Pick<SchemaMark, "setup" | "round"> {
  return { setup: "pending", round: randomBytes(6).toString("hex") };
}

/** Writes down anew what a schema says of its worktree; nothing else changes. */
export async function writeSchemaMark(postgres: Postgres, mark: SchemaMark): Promise<void> {
  await postgres.run([register(schemaOf(mark.worktree), writeMark(mark))]);
}
