import type pg from "pg";
import { aclColumn, type Privilege } from "../build/grants.ts";
import type { Inventory } from "./inventory.ts";

/** A row of pg_class, with what its definition needs. */
export interface RelationRow {
  oid: number;
  name: string;
  kind: "r" | "p" | "f" | "v" | "m" | "S" | "c";
  persistence: string;
  owner: string;
  options: string[] | null;
  toast_oid: number;
  toast_options: string[] | null;
  tablespace: string | null;
  method: string | null;
  rls: boolean;
  force_rls: boolean;
  identity: "d" | "n" | "f" | "i";
  partkey: string | null;
  bound: string | null;
  of_type: string | null;
  populated: boolean;
  definition: string | null;
  server: string | null;
  server_options: string[] | null;
  parents: { oid: number; name: string; schema: number }[] | null;
  strangers: string[] | null;
  row_type: number;
  bytes: string;
  acl: Privilege[] | null;
}

/** A column, with what its definition needs. */
export interface ColumnRow {
  table: number;
  number: number;
  name: string;
  type: string;
  base_type: string;
  type_oid: number;
  not_null: boolean;
  /** The NOT NULL constraint, which is a named one since PostgreSQL 18. */
  strict: { name: string; local: boolean; inherited: boolean; valid: boolean } | null;
  identity: "" | "a" | "d";
  generated: "" | "s" | "v";
  default_oid: number | null;
  default_sql: string | null;
  local: boolean;
  collation: string | null;
  storage: string | null;
  compression: string;
  statistics: number | null;
  options: string[] | null;
  foreign_options: string[] | null;
  acl: Privilege[] | null;
}

/** A sequence and its options; numbers are text, so that large ones stay exact. */
export interface SequenceRow {
  oid: number;
  type: string;
  start: string;
  increment: string;
  min: string;
  max: string;
  cache: string;
  cycle: boolean;
  /** How a column owns it: `a` for serial, `i` for identity. */
  link: "a" | "i" | null;
  table: number | null;
  column: string | null;
}

export async function readRelations(
  client: pg.Client,
  namespace: number,
  inventory: Inventory,
): Promise<RelationRow[]> {
  const { rows } = await client.query<RelationRow>(
    `SELECT c.oid::int8::float8 AS oid, c.relname AS name, c.relkind AS kind, c.relpersistence AS persistence,
        pg_get_userbyid(c.relowner) AS owner, c.reloptions AS options, c.reltoastrelid::int8::float8 AS toast_oid,
        (SELECT t.reloptions FROM pg_class t WHERE t.oid = c.reltoastrelid) AS toast_options,
        (SELECT spcname FROM pg_tablespace s WHERE s.oid = c.reltablespace) AS tablespace,
        (SELECT amname FROM pg_am a WHERE a.oid = c.relam) AS method,
        c.relrowsecurity AS rls, c.relforcerowsecurity AS force_rls, c.relreplident AS identity,
        CASE WHEN c.relkind = 'p' THEN pg_get_partkeydef(c.oid) END AS partkey,
        pg_get_expr(c.relpartbound, c.oid) AS bound,
        CASE WHEN c.reloftype <> 0 THEN format_type(c.reloftype, NULL) END AS of_type,
        c.relispopulated AS populated,
        CASE WHEN c.relkind IN ('v', 'm') THEN pg_get_viewdef(c.oid) END AS definition,
        f.server, f.server_options, c.reltype::int8::float8 AS row_type,
        CASE WHEN c.relkind IN ('r', 'm') THEN pg_table_size(c.oid) ELSE 0 END AS bytes,
        (SELECT json_agg(json_build_object('oid', p.oid::int8, 'name', p.relname, 'schema', p.relnamespace::int8) ORDER BY i.inhseqno)
           FROM pg_inherits i JOIN pg_class p ON p.oid = i.inhparent WHERE i.inhrelid = c.oid) AS parents,
        (SELECT array_agg(k.oid::regclass::text) FROM pg_inherits i JOIN pg_class k ON k.oid = i.inhrelid
          WHERE i.inhparent = c.oid AND k.relnamespace <> $1) AS strangers,
        ${aclColumn("c.relacl")} AS acl
       FROM pg_class c
       LEFT JOIN LATERAL (SELECT s.srvname AS server, t.ftoptions AS server_options
         FROM pg_foreign_table t JOIN pg_foreign_server s ON s.oid = t.ftserver
        WHERE t.ftrelid = c.oid) f ON c.relkind = 'f'
      WHERE c.oid = ANY ($2::oid[]) AND c.relnamespace = $1 AND c.relkind IN ('r','p','f','v','m','S','c')
      ORDER BY c.oid`,
    [namespace, inventory.of("pg_class")],
  );
  return rows;
}

export async function readColumns(client: pg.Client, tables: number[]): Promise<ColumnRow[]> {
  const { rows } = await client.query<ColumnRow>(
    `SELECT a.attrelid::int8::float8 AS table, a.attnum AS number, a.attname AS name,
        format_type(a.atttypid, a.atttypmod) AS type, format_type(a.atttypid, NULL) AS base_type,
        a.atttypid::int8::float8 AS type_oid, a.attnotnull AS not_null,
        CASE WHEN n.oid IS NOT NULL THEN json_build_object('name', n.conname, 'local', n.conislocal,
          'inherited', NOT n.connoinherit, 'valid', n.convalidated) END AS strict,
        a.attidentity AS identity, a.attgenerated AS generated, d.oid::int8::float8 AS default_oid,
        pg_get_expr(d.adbin, d.adrelid) AS default_sql, a.attislocal AS local,
        CASE WHEN a.attcollation <> t.typcollation AND a.attcollation <> 0 THEN
          (SELECT quote_ident(n.nspname) || '.' || quote_ident(l.collname) FROM pg_collation l
             JOIN pg_namespace n ON n.oid = l.collnamespace WHERE l.oid = a.attcollation) END AS collation,
        CASE WHEN a.attstorage <> t.typstorage THEN CASE a.attstorage WHEN 'p' THEN 'PLAIN'
          WHEN 'e' THEN 'EXTERNAL' WHEN 'm' THEN 'MAIN' ELSE 'EXTENDED' END END AS storage,
        a.attcompression AS compression, nullif(a.attstattarget, -1) AS statistics,
        a.attoptions AS options, a.attfdwoptions AS foreign_options, ${aclColumn("a.attacl")} AS acl
       FROM pg_attribute a JOIN pg_type t ON t.oid = a.atttypid
       LEFT JOIN pg_attrdef d ON d.adrelid = a.attrelid AND d.adnum = a.attnum
       LEFT JOIN pg_constraint n ON n.conrelid = a.attrelid AND n.contype = 'n' AND n.conkey = ARRAY[a.attnum]
      WHERE a.attrelid = ANY ($1::oid[]) AND a.attnum > 0 AND NOT a.attisdropped
      ORDER BY a.attrelid, a.attnum`,
    [tables],
  );
  return rows;
}

export async function readSequences(client: pg.Client, oids: number[]): Promise<SequenceRow[]> {
  const { rows } = await client.query<SequenceRow>(
    `SELECT s.seqrelid::int8::float8 AS oid, format_type(s.seqtypid, NULL) AS type, s.seqstart::text AS start,
        s.seqincrement::text AS increment, s.seqmin::text AS min, s.seqmax::text AS max,
        s.seqcache::text AS cache, s.seqcycle AS cycle, d.deptype AS link,
        d.refobjid::int8::float8 AS table, a.attname AS column
       FROM pg_sequence s
       LEFT JOIN pg_depend d ON d.classid = 'pg_class'::regclass AND d.objid = s.seqrelid
        AND d.refclassid = 'pg_class'::regclass AND d.deptype IN ('a', 'i') AND d.refobjsubid > 0
       LEFT JOIN pg_attribute a ON a.attrelid = d.refobjid AND a.attnum = d.refobjsubid
      WHERE s.seqrelid = ANY ($1::oid[]) ORDER BY s.seqrelid`,
    [oids],
  );
  return rows;
}
