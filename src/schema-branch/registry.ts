import type pg from "pg";
import { ident, literal } from "./sql.ts";

/**
 * The registry: a table of the owner's that lists our schemas. A comment on the schema would not do, since
 * the schema's role can write it and restoring a dump does. A row is valid only if its OID and name match
 * those of a schema; our renames update both.
 */
export const REGISTRY = "ikigai_registry.schemas";

/** The mark of a build under way; an advisory lock on its name shows that it is in use. */
export const BUILD_MARK = "ikigai:build";

/** The mark of a reserve. */
export const RESERVE_MARK = "ikigai:reserve";

/** The names that our schemas can have; nothing else is adopted. */
const NAMES = "^(wt|retired|dropped|ikigai_reserve|ikigai_build)_";

/**
 * Creates the registry. The first time, imports the marks that earlier versions kept in comments and removes
 * these comments, except a reserve's, which also holds its record. Idempotent.
 */
export const REGISTRY_STATEMENTS: readonly string[] = [
  `DO $do$ DECLARE found name; BEGIN
     IF to_regclass('${REGISTRY}') IS NULL THEN
       CREATE SCHEMA IF NOT EXISTS ikigai_registry;
       CREATE TABLE ${REGISTRY} (oid oid PRIMARY KEY, name text NOT NULL, mark text NOT NULL);
       REVOKE ALL ON SCHEMA ikigai_registry FROM PUBLIC;
       INSERT INTO ${REGISTRY} SELECT n.oid, n.nspname,
           CASE WHEN d.description LIKE '${RESERVE_MARK} %' THEN '${RESERVE_MARK}' ELSE d.description END
         FROM pg_catalog.pg_namespace n JOIN pg_catalog.pg_description d
           ON d.objoid = n.oid AND d.classoid = 'pg_catalog.pg_namespace'::regclass AND d.objsubid = 0
        WHERE n.nspname ~ '${NAMES}' AND d.description LIKE 'ikigai:%';
       FOR found IN SELECT name FROM ${REGISTRY} WHERE mark <> '${RESERVE_MARK}'
       LOOP EXECUTE format('COMMENT ON SCHEMA %I IS NULL', found); END LOOP;
     END IF;
     DELETE FROM ${REGISTRY} r WHERE NOT EXISTS (SELECT FROM pg_catalog.pg_namespace n WHERE n.oid = r.oid);
   END $do$`,
];

/** The condition that the registry's row `r` describes the namespace `n`. */
export const IS_REGISTERED = "r.oid = n.oid AND r.name = n.nspname";

/** Returns a statement that marks an existing schema as ours, or changes its mark. */
export function register(schema: string, mark: string): string {
  return `INSERT INTO ${REGISTRY} SELECT oid, nspname, ${literal(mark)} FROM pg_catalog.pg_namespace WHERE nspname = ${literal(schema)}
    ON CONFLICT (oid) DO UPDATE SET name = EXCLUDED.name, mark = EXCLUDED.mark`;
}

/** Returns statements that rename a schema of ours and update the registry. */
export function renameRegistered(from: string, to: string): string[] {
  return [
    `ALTER SCHEMA ${ident(from)} RENAME TO ${ident(to)}`,
    `UPDATE ${REGISTRY} r SET name = n.nspname FROM pg_catalog.pg_namespace n WHERE r.oid = n.oid AND n.nspname = ${literal(to)}`,
  ];
}

/** Returns a statement that removes registry entries of dropped schemas with this name. */
export function forget(schema: string): string {
  return `DELETE FROM ${REGISTRY} r WHERE r.name = ${literal(schema)} AND NOT EXISTS (SELECT FROM pg_catalog.pg_namespace n WHERE n.oid = r.oid)`;
}

/** Returns a schema's mark; null if it is not ours, undefined if it does not exist. */
export async function markOf(
  client: pg.Client,
  schema: string,
): Promise<string | null | undefined> {
  const { rows } = await client.query<{ mark: string | null }>(
    `SELECT r.mark FROM pg_catalog.pg_namespace n LEFT JOIN ${REGISTRY} r ON ${IS_REGISTERED} WHERE n.nspname = $1`,
    [schema],
  );
  return rows[0]?.mark;
}
