import type pg from "pg";
import { ident, literal } from "./sql.ts";

/**
 * Which schemas are ours is written in a table of the owner's. A schema's comment would not do: its
 * role may write that, and a restored dump does. A row counts while its OID and name are those of a
 * schema; a rename of ours writes both.
 */
export const REGISTRY = "ikigai_registry.schemas";

/** The mark of what a build holds while it is made; the lock of its name says that somebody is at it. */
export const BUILD_MARK = "ikigai:build";

/** The mark of a reserve. */
export const RESERVE_MARK = "ikigai:reserve";

/** The names that schemas of ours have; nothing else is adopted. */
const NAMES = "^(wt|retired|dropped|ikigai_reserve|ikigai_build)_";

/**
 * Makes the registry. The first time it takes over the marks that earlier versions kept in comments,
 * and removes these, except a reserve's, which is also its record. Idempotent.
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

/** The condition that the namespace `n` is the one of the registry's row `r`. */
export const IS_REGISTERED = "r.oid = n.oid AND r.name = n.nspname";

/** Statement that marks a schema as ours, or gives it another mark. It has to exist. */
export function register(schema: string, mark: string): string {
  return `INSERT INTO ${REGISTRY} SELECT oid, nspname, ${literal(mark)} FROM pg_catalog.pg_namespace WHERE nspname = ${literal(schema)}
    ON CONFLICT (oid) DO UPDATE SET name = EXCLUDED.name, mark = EXCLUDED.mark`;
}

/** Statements that rename a schema of ours and write that down. */
export function renameRegistered(from: string, to: string): string[] {
  return [
    `ALTER SCHEMA ${ident(from)} RENAME TO ${ident(to)}`,
    `UPDATE ${REGISTRY} r SET name = n.nspname FROM pg_catalog.pg_namespace n WHERE r.oid = n.oid AND n.nspname = ${literal(to)}`,
  ];
}

/** Statement that forgets schemas of this name that are gone. */
export function forget(schema: string): string {
  return `DELETE FROM ${REGISTRY} r WHERE r.name = ${literal(schema)} AND NOT EXISTS (SELECT FROM pg_catalog.pg_namespace n WHERE n.oid = r.oid)`;
}

/** A schema's mark; null for one that is not ours, undefined where there is no such schema. */
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
