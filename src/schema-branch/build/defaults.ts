import type { Edge } from "../inspect/inventory.ts";
import type { ColumnRow, RelationRow } from "../inspect/tables.ts";
import { stringsNaming } from "../names.ts";
import { named, type Scope } from "../scope.ts";
import { ident } from "../sql.ts";
import type { BuildStep, PlanPart } from "../types.ts";

/**
 * Builds column defaults separately from their tables, because they may call functions that need the table.
 */
export function buildDefaults(
  scope: Scope,
  relations: readonly RelationRow[],
  columns: ReadonlyMap<number, readonly ColumnRow[]>,
  plain: ReadonlySet<number>,
): PlanPart {
  const items: BuildStep[] = [];
  const covers: [string, string][] = [];
  for (const relation of relations)
    for (const column of columns.get(relation.oid) ?? []) {
      if (column.default_oid === null || column.generated !== "") continue;
      if (plain.has(column.default_oid)) {
        covers.push([`pg_attrdef:${column.default_oid}`, `pg_class:${relation.oid}`]);
        continue;
      }
      items.push({
        key: `pg_attrdef:${column.default_oid}`,
        kind: "default",
        name: `${relation.name}.${column.name}`,
        sql: [
          `ALTER TABLE ${relation.kind === "r" || relation.kind === "p" ? "ONLY " : ""}${named(scope, relation.name)} ALTER COLUMN ${ident(column.name)} SET DEFAULT ${column.default_sql}`,
        ],
        needs: [`pg_class:${relation.oid}`],
        phase: "any",
        table: relation.name,
      });
    }
  return { items, covers };
}

/**
 * Finds defaults that need only built-in functions: CREATE TABLE can include them, which saves a statement
 * each.
 */
export function plainDefaults(
  relations: readonly RelationRow[],
  columns: ReadonlyMap<number, readonly ColumnRow[]>,
  edges: readonly Edge[],
  schema: string,
): Set<number> {
  const needy = new Set<string>();
  for (const edge of edges)
    if (edge.from.startsWith("pg_attrdef:") && edge.type === "n") needy.add(edge.from);
  const found = new Set<number>();
  for (const relation of relations.filter((each) => "rpf".includes(each.kind)))
    for (const { default_oid, default_sql, generated } of columns.get(relation.oid) ?? []) {
      if (default_oid === null || generated !== "" || needy.has(`pg_attrdef:${default_oid}`))
        continue;
      // A default that names the schema is left out, so that it is refused under its own name.
      if (stringsNaming(default_sql ?? "", schema).length === 0) found.add(default_oid);
    }
  return found;
}
