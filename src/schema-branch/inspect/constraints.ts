import type pg from "pg";
import type { Inventory } from "./inventory.ts";

/** A table or domain constraint. */
export interface ConstraintRow {
  oid: number;
  name: string;
  /** c check, f foreign key, p primary key, u unique, x exclusion, t trigger, n not null. */
  kind: "c" | "f" | "p" | "u" | "x" | "t" | "n";
  table: number;
  table_name: string;
  table_kind: string;
  domain: string | null;
  domain_oid: number;
  comment: string | null;
  definition: string;
  parent: number;
  local: boolean;
  valid: boolean;
  /** False for NOT ENFORCED (since PostgreSQL 18). */
  enforced: boolean;
  index: number;
  /** Whether its expression calls a function of the schema. */
  calls: boolean;
  /** Whether a foreign key refers to a table in another schema. */
  abroad: boolean;
}

/** An index, including those behind constraints. */
export interface IndexRow {
  oid: number;
  name: string;
  table: number;
  table_name: string;
  table_kind: string;
  definition: string;
  partitioned: boolean;
  constraint: number | null;
  valid: boolean;
  clustered: boolean;
  replica: boolean;
  tablespace: string | null;
  options: string[] | null;
  parent: number | null;
  parent_name: string | null;
  statistics: { column: number; target: number }[] | null;
}

export async function readConstraints(
  client: pg.Client,
  namespace: number,
  inventory: Inventory,
): Promise<ConstraintRow[]> {
  const { rows } = await client.query<ConstraintRow>(
    `SELECT k.oid::int8::float8 AS oid, k.conname AS name, k.contype AS kind,
        k.conrelid::int8::float8 AS table, c.relname AS table_name, c.relkind AS table_kind,
        CASE WHEN k.contypid <> 0 THEN format_type(k.contypid, NULL) END AS domain,
        k.contypid::int8::float8 AS domain_oid, obj_description(k.oid, 'pg_constraint') AS comment,
        pg_get_constraintdef(k.oid) AS definition, k.conparentid::int8::float8 AS parent,
        k.conislocal AS local, k.convalidated AS valid,
        coalesce((to_jsonb(k)->>'conenforced')::boolean, true) AS enforced, k.conindid::int8::float8 AS index,
        k.confrelid <> 0 AND (SELECT relnamespace FROM pg_class r WHERE r.oid = k.confrelid) <> $1 AS abroad,
        EXISTS (SELECT FROM pg_depend d JOIN pg_proc p ON p.oid = d.refobjid
                 WHERE d.classid = 'pg_constraint'::regclass AND d.objid = k.oid
                   AND d.refclassid = 'pg_proc'::regclass AND p.pronamespace = $1) AS calls
       FROM pg_constraint k LEFT JOIN pg_class c ON c.oid = k.conrelid
      WHERE k.oid = ANY ($2::oid[]) AND k.connamespace = $1 ORDER BY k.oid`,
    [namespace, inventory.of("pg_constraint")],
  );
  return rows;
}

export async function readIndexes(
  client: pg.Client,
  namespace: number,
  inventory: Inventory,
): Promise<IndexRow[]> {
  const { rows } = await client.query<IndexRow>(
    `SELECT i.indexrelid::int8::float8 AS oid, c.relname AS name, i.indrelid::int8::float8 AS table,
        t.relname AS table_name, t.relkind AS table_kind, pg_get_indexdef(i.indexrelid) AS definition,
        c.relkind = 'I' AS partitioned, i.indisvalid AS valid, i.indisclustered AS clustered,
        i.indisreplident AS replica, c.reloptions AS options,
        (SELECT k.oid::int8::float8 FROM pg_constraint k
          WHERE k.conindid = i.indexrelid AND k.conrelid = i.indrelid AND k.contype IN ('p', 'u', 'x')) AS constraint,
        (SELECT spcname FROM pg_tablespace s WHERE s.oid = c.reltablespace) AS tablespace,
        h.inhparent::int8::float8 AS parent, p.relname AS parent_name,
        (SELECT json_agg(json_build_object('column', a.attnum, 'target', a.attstattarget))
           FROM pg_attribute a WHERE a.attrelid = i.indexrelid AND a.attstattarget >= 0) AS statistics
       FROM pg_index i JOIN pg_class c ON c.oid = i.indexrelid JOIN pg_class t ON t.oid = i.indrelid
       LEFT JOIN pg_inherits h ON h.inhrelid = i.indexrelid LEFT JOIN pg_class p ON p.oid = h.inhparent
      WHERE i.indexrelid = ANY ($2::oid[]) AND c.relnamespace = $1 ORDER BY i.indexrelid`,
    [namespace, inventory.of("pg_class")],
  );
  return rows;
}
