import { readMark, retiredName, type SchemaMark, writeMark } from "../../model/mark.ts";
import { schemaOf } from "../../model/slug.ts";
import { type Postgres, quoteName, quoteText } from "./client.ts";
import { scramVerifier } from "./scram.ts";

/** A schema that bears our mark, or one that has a worktree's name without it. */
export interface FoundSchema {
  readonly schema: string;
  readonly mark?: SchemaMark;
}

export const EXTENSIONS = "extensions";

/** Every schema with our mark, and every other that is in the way of one. One statement. */
export async function listSchemas(postgres: Postgres, slug?: string): Promise<FoundSchema[]> {
  const rows = await postgres.query<{ schema: string; comment: string | null }>(
    `SELECT n.nspname AS schema, d.description AS comment
       FROM pg_namespace n
       LEFT JOIN pg_description d ON d.objoid = n.oid AND d.classoid = 'pg_namespace'::regclass AND d.objsubid = 0
      WHERE ($1::text IS NULL AND (n.nspname LIKE 'wt\\_%' OR n.nspname LIKE 'retired\\_%'))
         OR n.nspname = $1 OR n.nspname LIKE $2`,
    slug === undefined
      ? [null, null]
      : [schemaOf(slug), `retired\\_${schemaOf(slug).slice(3).replaceAll("_", "\\_")}\\_%`],
  );
  return rows.map(({ schema, comment }) => {
    const mark = readMark(comment);
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
  ]);
}

/** A role that may log in and owns nothing yet, left over or new. */
function roleStatements(role: string, password: string): string[] {
  const settings = `LOGIN NOSUPERUSER NOCREATEDB NOCREATEROLE NOREPLICATION NOBYPASSRLS PASSWORD ${quoteText(scramVerifier(password))}`;
  return [
    `DO $do$ BEGIN IF NOT EXISTS (SELECT FROM pg_roles WHERE rolname = ${quoteText(role)}) THEN CREATE ROLE ${quoteName(role)}; END IF; END $do$`,
    `ALTER ROLE ${quoteName(role)} ${settings}`,
    `ALTER ROLE ${quoteName(role)} SET search_path = ${quoteName(role)}, ${EXTENSIONS}`,
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
    ...roleStatements(name, password),
    `CREATE SCHEMA ${quoteName(name)} AUTHORIZATION ${quoteName(name)}`,
    `COMMENT ON SCHEMA ${quoteName(name)} IS ${quoteText(writeMark(mark))}`,
  ]);
}

/** Gives the role the password of the present secret. */
export async function rekeySchema(
  postgres: Postgres,
  mark: SchemaMark,
  password: string,
): Promise<void> {
  const name = schemaOf(mark.worktree);
  await postgres.run([
    ...roleStatements(name, password),
    `COMMENT ON SCHEMA ${quoteName(name)} IS ${quoteText(writeMark(mark))}`,
  ]);
}

/**
 * Puts a schema and its role aside by renaming both, and ends the role's
 * connections. Nothing is copied or dropped, except a schema that holds nothing.
 */
export async function retireSchema(
  postgres: Postgres,
  mark: SchemaMark,
  at: Date,
): Promise<"retired" | "dropped"> {
  const name = schemaOf(mark.worktree);
  await endSessions(postgres, name);
  if (await dropIfEmpty(postgres, name)) return "dropped";
  const aside = retiredName(mark.worktree, at);
  await postgres.run([
    `ALTER SCHEMA ${quoteName(name)} RENAME TO ${quoteName(aside)}`,
    `ALTER ROLE ${quoteName(name)} RENAME TO ${quoteName(aside)}`,
    `ALTER ROLE ${quoteName(aside)} NOLOGIN`,
    `COMMENT ON SCHEMA ${quoteName(aside)} IS ${quoteText(writeMark({ ...mark, retired: at.toISOString() }))}`,
  ]);
  return "retired";
}

/** Brings a schema that was put aside back under a worktree's name. The name must be free. */
export async function restoreSchema(
  postgres: Postgres,
  aside: string,
  mark: SchemaMark,
  password: string,
): Promise<void> {
  const name = schemaOf(mark.worktree);
  const { retired: _, ...live } = mark;
  await postgres.run([
    `ALTER SCHEMA ${quoteName(aside)} RENAME TO ${quoteName(name)}`,
    `ALTER ROLE ${quoteName(aside)} RENAME TO ${quoteName(name)}`,
    ...roleStatements(name, password).slice(1),
    `COMMENT ON SCHEMA ${quoteName(name)} IS ${quoteText(writeMark(live))}`,
  ]);
}

async function endSessions(postgres: Postgres, role: string): Promise<void> {
  await postgres.query(
    "SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE usename = $1 AND pid <> pg_backend_pid()",
    [role],
  );
}

/** DROP SCHEMA without CASCADE refuses by itself when anything is inside. */
async function dropIfEmpty(postgres: Postgres, name: string): Promise<boolean> {
  try {
    await postgres.run([`DROP SCHEMA ${quoteName(name)}`, `DROP ROLE ${quoteName(name)}`]);
    return true;
  } catch (error) {
    if (error instanceof Error && "code" in error && error.code === "2BP01") return false;
    throw error;
  }
}
