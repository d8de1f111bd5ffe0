import type pg from "pg";
import { aclColumn, type Privilege } from "../build/grants.ts";
import type { Inventory } from "./inventory.ts";

export interface TypeRow {
  oid: number;
  name: string;
  /** b base, c composite, d domain, e enum, r range, m multirange, p pseudo (shell). */
  kind: string;
  defined: boolean;
  owner: string;
  acl: Privilege[] | null;
  relation: number;
  /** 'r' and such for a table's row type, 'c' for a separate composite type. */
  relation_kind: string | null;
  element: number;
  base_oid: number;
  base: string | null;
  collation: string | null;
  not_null: boolean;
  /** The name of a domain's NOT NULL, which is a constraint since PostgreSQL 17. */
  not_null_name: string | null;
  default_sql: string | null;
  labels: string[] | null;
  range: {
    subtype: string;
    opclass: string | null;
    collation: string | null;
    canonical: string | null;
    diff: string | null;
    multirange: string;
  } | null;
  attributes: { name: string; type: string; collation: string | null }[] | null;
}

const COLLATION = (column: string, usual: string) =>
  `(SELECT quote_ident(n.nspname) || '.' || quote_ident(l.collname) FROM pg_collation l
     JOIN pg_namespace n ON n.oid = l.collnamespace WHERE l.oid = ${column} AND ${column} <> ${usual})`;

/**
 * Reads a schema's types: enums, domains, composites, ranges; row and array types come with other objects.
 */
export async function readTypes(
  client: pg.Client,
  namespace: number,
  inventory: Inventory,
): Promise<TypeRow[]> {
  const { rows } = await client.query<TypeRow>(
    `SELECT t.oid::int8::float8 AS oid, t.typname AS name, t.typtype AS kind, t.typisdefined AS defined,
        pg_get_userbyid(t.typowner) AS owner, ${aclColumn("t.typacl")} AS acl,
        t.typrelid::int8::float8 AS relation, c.relkind AS relation_kind, t.typelem::int8::float8 AS element,
        t.typbasetype::int8::float8 AS base_oid,
        CASE WHEN t.typtype = 'd' THEN format_type(t.typbasetype, t.typtypmod) END AS base,
        CASE WHEN t.typtype = 'd' THEN ${COLLATION("t.typcollation", "(SELECT typcollation FROM pg_type u WHERE u.oid = t.typbasetype)")} END AS collation,
        t.typnotnull AS not_null,
        (SELECT k.conname FROM pg_constraint k WHERE k.contypid = t.oid AND k.contype = 'n') AS not_null_name,
        CASE WHEN t.typdefaultbin IS NOT NULL THEN pg_get_expr(t.typdefaultbin, 0) ELSE quote_literal(t.typdefault) END AS default_sql,
        (SELECT array_agg(e.enumlabel::text ORDER BY e.enumsortorder) FROM pg_enum e WHERE e.enumtypid = t.oid) AS labels,
        (SELECT json_build_object('subtype', format_type(r.rngsubtype, NULL),
            'opclass', (SELECT quote_ident(n.nspname) || '.' || quote_ident(o.opcname) FROM pg_opclass o
               JOIN pg_namespace n ON n.oid = o.opcnamespace WHERE o.oid = r.rngsubopc AND NOT (o.opcdefault AND n.nspname = 'pg_catalog')),
            'collation', ${COLLATION("r.rngcollation", "(SELECT typcollation FROM pg_type u WHERE u.oid = r.rngsubtype)")},
            'canonical', CASE WHEN r.rngcanonical <> 0 THEN r.rngcanonical::regproc::text END,
            'diff', CASE WHEN r.rngsubdiff <> 0 THEN r.rngsubdiff::regproc::text END,
            'multirange', (SELECT m.typname FROM pg_type m WHERE m.oid = r.rngmultitypid))
           FROM pg_range r WHERE r.rngtypid = t.oid) AS range,
        CASE WHEN c.relkind = 'c' THEN (SELECT coalesce(json_agg(json_build_object('name', a.attname,
            'type', format_type(a.atttypid, a.atttypmod),
            'collation', ${COLLATION("a.attcollation", "(SELECT typcollation FROM pg_type u WHERE u.oid = a.atttypid)")}) ORDER BY a.attnum), '[]')
           FROM pg_attribute a WHERE a.attrelid = t.typrelid AND a.attnum > 0 AND NOT a.attisdropped) END AS attributes
       FROM pg_type t LEFT JOIN pg_class c ON c.oid = t.typrelid
      WHERE t.oid = ANY ($2::oid[]) AND t.typnamespace = $1 ORDER BY t.oid`,
    [namespace, inventory.of("pg_type")],
  );
  return rows;
}
