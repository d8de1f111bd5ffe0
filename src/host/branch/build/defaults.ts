import type { ColumnRow, RelationRow } from "../inspect/tables.ts";
import { named, type Scope } from "../scope.ts";
import { ident } from "../sql.ts";
import type { Item, Piece } from "../types.ts";

/** Column defaults, apart from their tables: they may call functions that need the table. */
export function buildDefaults(
  scope: Scope,
  relations: readonly RelationRow[],
  columns: ReadonlyMap<number, readonly ColumnRow[]>,
): Piece {
  const items: Item[] = [];
  for (const relation of relations)
    for (const column of columns.get(relation.oid) ?? []) {
      if (column.default_oid === null || column.generated !== "") continue;
      items.push({
        key: `pg_attrdef:${column.default_oid}`,
        kind: "default",
        name: `${relation.name}.${column.name}`,
        sql: [
          `ALTER TABLE ${relation.kind === "r" || relation.kind === "p" ? "ONLY " : ""}${named(scope, relation.name)} ALTER COLUMN ${ident(column.name)} SET DEFAULT ${column.default_sql}`,
        ],
        needs: [`pg_class:${relation.oid}`],
        phase: "any",
      });
    }
  return { items };
}
