import type pg from "pg";
import { aclColumn, type Privilege } from "../build/grants.ts";
import type { Inventory } from "./inventory.ts";

export interface RoutineRow {
  oid: number;
  name: string;
  kind: "f" | "p" | "a" | "w";
  owner: string;
  /** As used by ALTER ROUTINE and COMMENT. */
  arguments: string;
  /** Argument types only. */
  types: string;
  language: string;
  body: string;
  definition: string | null;
  /** Its own settings, `name=value`. */
  settings: string[] | null;
  acl: Privilege[] | null;
  internal: boolean;
  /** Whether only a superuser can create it. */
  guarded: boolean;
  /** Whether it is SQL with a body parsed at creation (BEGIN ATOMIC, RETURN). */
  parsed: boolean;
}

export interface AggregateRow {
  oid: number;
  full_arguments: string;
  parameters: [string, string | null][];
}

export async function readRoutines(
  client: pg.Client,
  namespace: number,
  inventory: Inventory,
): Promise<RoutineRow[]> {
  const { rows } = await client.query<RoutineRow>(
    `SELECT p.oid::int8::float8 AS oid, p.proname AS name, p.prokind AS kind,
        pg_get_userbyid(p.proowner) AS owner, pg_get_function_identity_arguments(p.oid) AS arguments,
        oidvectortypes(p.proargtypes) AS types, l.lanname AS language, p.prosrc AS body,
        CASE WHEN p.prokind <> 'a' THEN pg_get_functiondef(p.oid) END AS definition,
        p.proconfig AS settings, ${aclColumn("p.proacl")} AS acl, p.prosqlbody IS NOT NULL AS parsed,
        NOT l.lanpltrusted OR p.proleakproof OR p.prosupport <> 0 AS guarded,
        EXISTS (SELECT FROM pg_depend d WHERE d.classid = 'pg_proc'::regclass AND d.objid = p.oid
                   AND d.deptype = 'i') AS internal
       FROM pg_proc p JOIN pg_language l ON l.oid = p.prolang
      WHERE p.oid = ANY ($2::oid[]) AND p.pronamespace = $1 ORDER BY p.oid`,
    [namespace, inventory.of("pg_proc")],
  );
  return rows;
}

export async function readAggregates(client: pg.Client, oids: number[]): Promise<AggregateRow[]> {
  const reg = (column: string) => `CASE WHEN ${column} <> 0 THEN ${column}::regproc::text END`;
  const modify = (column: string) =>
    `CASE ${column} WHEN 'r' THEN 'READ_ONLY' WHEN 's' THEN 'SHAREABLE' ELSE 'READ_WRITE' END`;
  const { rows } = await client.query<AggregateRow>(
    `SELECT a.aggfnoid::oid::int8::float8 AS oid, pg_get_function_arguments(a.aggfnoid) AS full_arguments,
        json_build_array(
          json_build_array('SFUNC', ${reg("a.aggtransfn")}),
          json_build_array('STYPE', format_type(a.aggtranstype, NULL)),
          json_build_array('SSPACE', nullif(a.aggtransspace, 0)::text),
          json_build_array('FINALFUNC', ${reg("a.aggfinalfn")}),
          json_build_array('FINALFUNC_EXTRA', CASE WHEN a.aggfinalextra THEN '' END),
          json_build_array('FINALFUNC_MODIFY', CASE WHEN a.aggfinalfn <> 0 THEN ${modify("a.aggfinalmodify")} END),
          json_build_array('COMBINEFUNC', ${reg("a.aggcombinefn")}),
          json_build_array('SERIALFUNC', ${reg("a.aggserialfn")}),
          json_build_array('DESERIALFUNC', ${reg("a.aggdeserialfn")}),
          json_build_array('INITCOND', quote_literal(a.agginitval)),
          json_build_array('MSFUNC', ${reg("a.aggmtransfn")}),
          json_build_array('MINVFUNC', ${reg("a.aggminvtransfn")}),
          json_build_array('MSTYPE', CASE WHEN a.aggmtranstype <> 0 THEN format_type(a.aggmtranstype, NULL) END),
          json_build_array('MSSPACE', nullif(a.aggmtransspace, 0)::text),
          json_build_array('MFINALFUNC', ${reg("a.aggmfinalfn")}),
          json_build_array('MFINALFUNC_EXTRA', CASE WHEN a.aggmfinalextra THEN '' END),
          json_build_array('MFINALFUNC_MODIFY', CASE WHEN a.aggmfinalfn <> 0 THEN ${modify("a.aggmfinalmodify")} END),
          json_build_array('MINITCOND', quote_literal(a.aggminitval)),
          json_build_array('SORTOP', CASE WHEN a.aggsortop <> 0 THEN (SELECT 'OPERATOR(' || quote_ident(n.nspname) || '.' || o.oprname || ')'
             FROM pg_operator o JOIN pg_namespace n ON n.oid = o.oprnamespace WHERE o.oid = a.aggsortop) END),
          json_build_array('PARALLEL', CASE p.proparallel WHEN 's' THEN 'SAFE' WHEN 'r' THEN 'RESTRICTED' ELSE 'UNSAFE' END),
          json_build_array('HYPOTHETICAL', CASE WHEN a.aggkind = 'h' THEN '' END)) AS parameters
       FROM pg_aggregate a JOIN pg_proc p ON p.oid = a.aggfnoid WHERE a.aggfnoid = ANY ($1::oid[])`,
    [oids],
  );
  return rows;
}
