import type pg from "pg";
import { BranchError } from "./errors.ts";
import { forget, IS_REGISTERED, markOf, REGISTRY } from "./registry.ts";
import { ident, literal } from "./sql.ts";

/** Number of tables dropped per transaction: each holds several locks until it ends. */
const BATCH = 50;

/** Returns the bytes of a schema's relations, with indexes and TOAST; 0 if there is no such schema. */
export async function schemaSize(client: pg.Client, schema: string): Promise<number> {
  const { rows } = await client.query<{ bytes: string }>(
    `SELECT coalesce(sum(pg_total_relation_size(c.oid)), 0)::text AS bytes FROM pg_namespace n
       JOIN pg_depend d ON d.refclassid = 'pg_namespace'::regclass AND d.refobjid = n.oid AND d.classid = 'pg_class'::regclass
       JOIN pg_class c ON c.oid = d.objid WHERE n.nspname = $1 AND c.relkind IN ('r', 'm', 'S')`,
    [schema],
  );
  return Number(rows[0]?.bytes ?? 0);
}

/**
 * Lists objects outside of a schema that DROP … CASCADE would drop too, in the server's words ("view a.v"):
 * dependents of its objects, and members of extensions installed in it.
 */
export async function dependents(client: pg.Client, schema: string): Promise<string[]> {
  const { rows } = await client.query<{ object: string }>(
    `WITH RECURSIVE o(classid, objid) AS (
       SELECT 'pg_namespace'::regclass::oid, oid FROM pg_namespace WHERE nspname = $1
       UNION
       SELECT d.classid, d.objid FROM o JOIN pg_depend d ON d.refclassid = o.classid AND d.refobjid = o.objid
     ), named AS (
       SELECT o.*, i.type, i.identity, coalesce(i.schema, CASE o.classid
         WHEN 'pg_constraint'::regclass THEN (SELECT n.nspname FROM pg_constraint x JOIN pg_namespace n ON n.oid = x.connamespace WHERE x.oid = o.objid)
         WHEN 'pg_trigger'::regclass THEN (SELECT n.nspname FROM pg_trigger x JOIN pg_class r ON r.oid = x.tgrelid JOIN pg_namespace n ON n.oid = r.relnamespace WHERE x.oid = o.objid AND NOT x.tgisinternal)
         WHEN 'pg_policy'::regclass THEN (SELECT n.nspname FROM pg_policy x JOIN pg_class r ON r.oid = x.polrelid JOIN pg_namespace n ON n.oid = r.relnamespace WHERE x.oid = o.objid)
         WHEN 'pg_rewrite'::regclass THEN (SELECT n.nspname FROM pg_rewrite x JOIN pg_class r ON r.oid = x.ev_class JOIN pg_namespace n ON n.oid = r.relnamespace WHERE x.oid = o.objid)
         WHEN 'pg_attrdef'::regclass THEN (SELECT n.nspname FROM pg_attrdef x JOIN pg_class r ON r.oid = x.adrelid JOIN pg_namespace n ON n.oid = r.relnamespace WHERE x.oid = o.objid)
         END) AS schema
       FROM o, LATERAL pg_identify_object(o.classid, o.objid, 0) i
     )
     SELECT pg_describe_object(classid, objid, 0) AS object FROM named
      WHERE (schema <> $1 AND schema <> 'pg_toast' AND (type = 'rule' OR NOT EXISTS (
              SELECT FROM pg_depend d WHERE d.classid = named.classid AND d.objid = named.objid AND d.deptype = 'i')))
         OR type IN ('extension', 'event trigger', 'foreign-data wrapper', 'language', 'access method', 'transform')
      ORDER BY 1`,
    [schema],
  );
  return rows.map((row) => row.object);
}

/**
 * Drops a schema of ours for good, unless objects outside depend on it.
 *
 * @throws BranchError `refused` for a schema that is not in the registry, or one with dependents
 */
export async function dropSchema(client: pg.Client, schema: string): Promise<void> {
  if ((await markOf(client, schema)) === undefined) return;
  const outside = await dependents(client, schema);
  if (outside.length > 0)
    throw new BranchError(
      "refused",
      `Dropping ${schema} would drop what lies outside it: ${outside.join("; ")}.`,
      {
        next: "drop or move these first (ALTER EXTENSION … SET SCHEMA extensions)",
        refusals: outside.map((object) => ({
          object,
          kind: "dependent",
          why: `it depends on ${schema} and lies outside it`,
          next: "drop or move it first",
        })),
      },
    );
  await dropOwnSchema(client, schema);
}

/**
 * Drops a schema of ours with everything that depends on it; the only DROP … CASCADE in this library. Drops
 * thousands of tables in batches, so that an interrupted drop can be repeated.
 *
 * @throws BranchError `refused` for a schema that is not in the registry; nothing is dropped then
 */
export async function dropOwnSchema(client: pg.Client, schema: string): Promise<void> {
  const mark = await markOf(client, schema);
  if (mark === undefined) return;
  if (mark === null)
    throw new BranchError(
      "refused",
      `The schema ${schema} was not made by ikigai, so ikigai does not drop it.`,
      { next: `psql -U ikigai -c 'DROP SCHEMA ${ident(schema)} CASCADE', if it is yours` },
    );
  for (;;) {
    const { rows } = await client.query<{ name: string; kind: string }>(
      `SELECT quote_ident(n.nspname) || '.' || quote_ident(c.relname) AS name, c.relkind AS kind FROM pg_namespace n
         JOIN pg_depend d ON d.refclassid = 'pg_namespace'::regclass AND d.refobjid = n.oid AND d.classid = 'pg_class'::regclass
         JOIN pg_class c ON c.oid = d.objid
        WHERE n.nspname = $1 AND c.relkind IN ('r', 'p') ORDER BY c.relispartition DESC, c.oid LIMIT ${BATCH}`,
      [schema],
    );
    if (rows.length < BATCH) break;
    await client.query(`DROP TABLE IF EXISTS ${rows.map((row) => row.name).join(", ")} CASCADE`);
  }
  await client.query(`DROP SCHEMA IF EXISTS ${ident(schema)} CASCADE; ${forget(schema)}`);
}

/**
 * Returns a statement that drops an empty schema of ours. PostgreSQL refuses (2BP01) if anything is inside; a
 * schema that is not in the registry is left alone.
 */
export function dropEmptySchema(schema: string): string {
  return `DO $do$ BEGIN IF EXISTS (SELECT FROM pg_catalog.pg_namespace n JOIN ${REGISTRY} r ON ${IS_REGISTERED}
      WHERE n.nspname = ${literal(schema)}) THEN DROP SCHEMA ${ident(schema)}; ${forget(schema)}; END IF; END $do$`;
}
