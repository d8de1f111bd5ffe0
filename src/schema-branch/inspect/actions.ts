import type pg from "pg";
import type { Inventory } from "./inventory.ts";

export interface TriggerRow {
  oid: number;
  name: string;
  table: number;
  table_name: string;
  /** O origin, D disabled, R replica, A always. */
  enabled: string;
  internal: boolean;
  parent: number;
  constraint: number;
  constraint_kind: string | null;
  constraint_name: string | null;
  function: number;
  definition: string;
}

export interface RuleRow {
  oid: number;
  name: string;
  table: number;
  table_name: string;
  enabled: string;
  definition: string;
}

export interface PolicyRow {
  oid: number;
  name: string;
  table: number;
  table_name: string;
  command: string;
  permissive: boolean;
  roles: string[] | null;
  using: string | null;
  check: string | null;
}

export async function readTriggers(
  client: pg.Client,
  namespace: number,
  inventory: Inventory,
): Promise<TriggerRow[]> {
  const { rows } = await client.query<TriggerRow>(
    `SELECT t.oid::int8::float8 AS oid, t.tgname AS name, t.tgrelid::int8::float8 AS table, c.relname AS table_name,
        t.tgenabled AS enabled, t.tgisinternal AS internal, t.tgparentid::int8::float8 AS parent,
        t.tgconstraint::int8::float8 AS constraint, k.contype AS constraint_kind, k.conname AS constraint_name,
        t.tgfoid::int8::float8 AS function,
        CASE WHEN NOT t.tgisinternal THEN pg_get_triggerdef(t.oid) END AS definition
       FROM pg_trigger t JOIN pg_class c ON c.oid = t.tgrelid
       LEFT JOIN pg_constraint k ON k.oid = t.tgconstraint
      WHERE t.oid = ANY ($2::oid[]) AND c.relnamespace = $1 ORDER BY t.oid`,
    [namespace, inventory.of("pg_trigger")],
  );
  return rows;
}

export async function readRules(
  client: pg.Client,
  namespace: number,
  inventory: Inventory,
): Promise<RuleRow[]> {
  const { rows } = await client.query<RuleRow>(
    `SELECT r.oid::int8::float8 AS oid, r.rulename AS name, r.ev_class::int8::float8 AS table,
        c.relname AS table_name, r.ev_enabled AS enabled, pg_get_ruledef(r.oid) AS definition
       FROM pg_rewrite r JOIN pg_class c ON c.oid = r.ev_class
      WHERE r.oid = ANY ($2::oid[]) AND c.relnamespace = $1 AND r.rulename <> '_RETURN' ORDER BY r.oid`,
    [namespace, inventory.of("pg_rewrite")],
  );
  return rows;
}

export async function readPolicies(
  client: pg.Client,
  namespace: number,
  inventory: Inventory,
): Promise<PolicyRow[]> {
  const { rows } = await client.query<PolicyRow>(
    `SELECT p.oid::int8::float8 AS oid, p.polname AS name, p.polrelid::int8::float8 AS table,
        c.relname AS table_name, p.polcmd AS command, p.polpermissive AS permissive,
        (SELECT array_agg(CASE WHEN r = 0 THEN NULL ELSE pg_get_userbyid(r)::text END) FROM unnest(p.polroles) r) AS roles,
        pg_get_expr(p.polqual, p.polrelid) AS using, pg_get_expr(p.polwithcheck, p.polrelid) AS check
       FROM pg_policy p JOIN pg_class c ON c.oid = p.polrelid
      WHERE p.oid = ANY ($2::oid[]) AND c.relnamespace = $1 ORDER BY p.oid`,
    [namespace, inventory.of("pg_policy")],
  );
  return rows;
}
