import type { TypeRow } from "../inspect/types.ts";
import type { Refusal } from "../refusal.ts";
import { named, ownedBy, roleFor, type Scope } from "../scope.ts";
import { ident, literal } from "../sql.ts";
import type { BuildStep, PlanPart } from "../types.ts";
import { grantStatements } from "./grants.ts";

/** Builds enums, domains, composites and ranges. Row, array and multirange types come with other objects. */
export function buildTypes(scope: Scope, types: readonly TypeRow[]): PlanPart {
  const items: BuildStep[] = [];
  const covers: [string, string][] = [];
  const refusals: Refusal[] = [];
  for (const row of types) {
    const key = `pg_type:${row.oid}`;
    if (row.kind === "c" && row.relation_kind !== "c") continue;
    if (row.kind === "m" || (row.kind === "b" && row.element !== 0 && row.name.startsWith("_")))
      continue;
    const created = createType(scope, row);
    if (typeof created === "string") {
      const next =
        "create it in the shared schema: it is code of the server, not data of a worktree";
      refusals.push({ object: row.name, kind: "type", why: created, next });
      covers.push([key, key]);
      continue;
    }
    if (row.kind === "c") covers.push([`pg_class:${row.relation}`, key]);
    const name = named(scope, row.name);
    items.push({
      key,
      kind: KINDS[row.kind] ?? "type",
      name: row.name,
      sql: [created.sql],
      ...(!row.defined && { privileged: true }),
      owner: [...multirangeOwner(scope, row), ...ownedBy(scope, `TYPE ${name}`, row.owner)],
      grants: grantStatements(scope, `TYPE ${name}`, row.owner, row.acl),
      needs: [],
      phase: "any",
    });
  }
  return { items, covers, refusals };
}

/**
 * Sets a multirange's owner, for which there is no statement; not every version changes it with its range's.
 */
function multirangeOwner(scope: Scope, row: TypeRow): string[] {
  if (!row.range) return [];
  const role = `${literal(ident(roleFor(scope, row.owner)))}::regrole`;
  const type = `${literal(named(scope, row.range.multirange))}::regtype`;
  return [
    `UPDATE pg_catalog.pg_type SET typowner = ${role} WHERE ${type} IN (oid, typelem)`,
    `UPDATE pg_catalog.pg_shdepend SET refobjid = ${role} WHERE classid = 'pg_type'::regclass AND objid = ${type} AND deptype = 'o' AND dbid = (SELECT oid FROM pg_database WHERE datname = current_database())`,
  ];
}

const KINDS: Readonly<Record<string, string>> = {
  e: "enum",
  d: "domain",
  c: "composite type",
  r: "range type",
};

/** Returns the statement, or why there is none. */
function createType(scope: Scope, row: TypeRow): { sql: string } | string {
  const name = named(scope, row.name);
  const collate = (collation: string | null) => (collation === null ? "" : ` COLLATE ${collation}`);
  if (!row.defined) return { sql: `CREATE TYPE ${name}` };
  if (row.kind === "e")
    return { sql: `CREATE TYPE ${name} AS ENUM (${(row.labels ?? []).map(literal).join(", ")})` };
  if (row.kind === "d") {
    const value = row.default_sql === null ? "" : ` DEFAULT ${row.default_sql}`;
    const called = row.not_null_name === null ? "" : ` CONSTRAINT ${ident(row.not_null_name)}`;
    const strict = row.not_null ? `${called} NOT NULL` : "";
    return {
      sql: `CREATE DOMAIN ${name} AS ${row.base}${collate(row.collation)}${value}${strict}`,
    };
  }
  if (row.kind === "c") {
    const list = (row.attributes ?? []).map(
      (each) => `${ident(each.name)} ${each.type}${collate(each.collation)}`,
    );
    return { sql: `CREATE TYPE ${name} AS (${list.join(", ")})` };
  }
  if (row.range) return createRange(scope, name, row.range);
  return "a base type is made of functions in C";
}

function createRange(
  scope: Scope,
  name: string,
  range: NonNullable<TypeRow["range"]>,
): { sql: string } | string {
  if (range.canonical !== null) return "a range type with a canonical function is code in C";
  const parts = [
    `SUBTYPE = ${range.subtype}`,
    `MULTIRANGE_TYPE_NAME = ${named(scope, range.multirange)}`,
  ];
  if (range.opclass !== null) parts.push(`SUBTYPE_OPCLASS = ${range.opclass}`);
  if (range.collation !== null) parts.push(`COLLATION = ${range.collation}`);
  if (range.diff !== null) parts.push(`SUBTYPE_DIFF = ${range.diff}`);
  return { sql: `CREATE TYPE ${name} AS RANGE (${parts.join(", ")})` };
}
