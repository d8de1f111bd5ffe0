import type { RuleRow, TriggerRow } from "../inspect/actions.ts";
import type { ConstraintRow } from "../inspect/constraints.ts";
import type { ColumnRow, RelationRow } from "../inspect/tables.ts";
import type { TypeRow } from "../inspect/types.ts";
import { ident } from "../sql.ts";
import type { CopyTable } from "../types.ts";

/** Which tables hold rows, and how each column's value gets into the branch; `casts` if the schema has any. */
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
  const loud = new Set([
    ...[...triggers.filter((row) => !row.internal), ...rules]
      .filter((row) => row.enabled === "A" || row.enabled === "R")
      .map((row) => row.table),
    // Checks that the rows may not satisfy, or that look at other tables.
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
        quiet: !loud.has(row.oid),
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
  // A cast that somebody made to text may lose something; format() asks the type's own output.
  // Unlike IS NULL, this is not true of a row that consists of nulls.
  const null_test = `${name} IS NOT DISTINCT FROM NULL`;
  return `CASE WHEN ${null_test} THEN NULL ELSE pg_catalog.format('%s', ${name})::${column.base_type} END`;
}

/**
 * Whether the branch's type of that name differs in its bytes: enums hold OIDs of their labels,
 * composites and arrays that of their type. Domains are what they are made of.
 */
function otherType(oid: number, own: ReadonlyMap<number, TypeRow>): boolean {
  const type = own.get(oid);
  if (!type) return false;
  return type.kind === "d" ? otherType(type.base_oid, own) : true;
}
