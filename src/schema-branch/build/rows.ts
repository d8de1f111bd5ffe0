import type { RuleRow, TriggerRow } from "../inspect/actions.ts";
import type { ConstraintRow } from "../inspect/constraints.ts";
import type { ColumnRow, RelationRow } from "../inspect/tables.ts";
import type { TypeRow } from "../inspect/types.ts";
import { ident } from "../sql.ts";
import type { CopyTable } from "../types.ts";

/**
 * Lists the tables with rows, and the expression that copies each column's value.
 *
 * @param casts whether the schema has casts
 */
export function copyTables(
  relations: readonly RelationRow[],
  columns: ReadonlyMap<number, readonly ColumnRow[]>,
  types: readonly TypeRow[],
  triggers: readonly TriggerRow[],
  rules: readonly RuleRow[],
  constraints: readonly ConstraintRow[],
  casts: boolean,
): CopyTable[] {
  const own = new Map(types.map((row) => [row.oid, row]));
  const interfered = new Set([
    ...[...triggers.filter((row) => !row.internal), ...rules]
      .filter((row) => row.enabled === "A" || row.enabled === "R")
      .map((row) => row.table),
    // Checks that existing rows may not satisfy, or that read other tables.
    ...constraints
      .filter(
        (row) =>
          row.enforced && (row.valid ? row.kind === "c" && row.calls : "cn".includes(row.kind)),
      )
      .map((row) => row.table),
  ]);
  return relations
    .filter((row) => row.kind === "r")
    .map((row) => {
      const all = columns.get(row.oid) ?? [];
      return {
        oid: row.oid,
        name: row.name,
        bytes: Number(row.bytes),
        identity: all.some((column) => column.identity !== ""),
        quiet: !interfered.has(row.oid),
        columns: all
          .filter((column) => column.generated === "")
          .map((column) => ({ name: column.name, value: copiedValue(column, own, casts) })),
      };
    });
}

function copiedValue(column: ColumnRow, own: ReadonlyMap<number, TypeRow>, casts: boolean): string {
  const name = ident(column.name);
  if (!otherType(column.type_oid, own)) return name;
  if (!casts) return `${name}::pg_catalog.text::${column.base_type}`;
  // A user-defined cast to text may lose information; format() uses the type's output function. IS NULL is
  // also true for a row of nulls, IS NOT DISTINCT FROM NULL is not.
  const null_test = `${name} IS NOT DISTINCT FROM NULL`;
  return `CASE WHEN ${null_test} THEN NULL ELSE pg_catalog.format('%s', ${name})::${column.base_type} END`;
}

/**
 * Tells whether the branch's type of the same name has a different binary value: enums contain the OIDs of
 * their labels, composites and arrays that of their type. Domains are like their base type.
 */
function otherType(oid: number, own: ReadonlyMap<number, TypeRow>): boolean {
  const type = own.get(oid);
  if (!type) return false;
  return type.kind === "d" ? otherType(type.base_oid, own) : true;
}
