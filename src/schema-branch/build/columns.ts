import type { ColumnRow, RelationRow } from "../inspect/tables.ts";
import { foreignOptions, ident, options } from "../sql.ts";

/**
 * Returns a column as CREATE TABLE accepts it, with its default if that is in `plain`.
 *
 * @param identity the options of an identity column's sequence
 */
export function columnDefinition(
  table: Pick<RelationRow, "of_type">,
  column: ColumnRow,
  plain: ReadonlySet<number>,
  identity: string | undefined,
): string {
  const parts = [ident(column.name), table.of_type === null ? column.type : "WITH OPTIONS"];
  if (column.foreign_options?.length)
    parts.push(`OPTIONS (${foreignOptions(column.foreign_options)})`);
  if (column.collation !== null && table.of_type === null)
    parts.push(`COLLATE ${column.collation}`);
  if (column.generated === "s") parts.push(`GENERATED ALWAYS AS (${column.default_sql}) STORED`);
  if (column.generated === "v") parts.push(`GENERATED ALWAYS AS (${column.default_sql}) VIRTUAL`);
  // A partition's identity comes from its parent.
  if (column.identity !== "" && identity !== undefined) {
    parts.push(`GENERATED ${column.identity === "a" ? "ALWAYS" : "BY DEFAULT"} AS IDENTITY`);
    if (identity !== "") parts.push(`(${identity})`);
  }
  if (column.default_oid !== null && plain.has(column.default_oid))
    parts.push(`DEFAULT ${column.default_sql}`);
  if (column.not_null && column.strict?.valid !== false) parts.push(notNull(column));
  return parts.join(" ");
}

/** Returns NOT NULL, with the constraint's name if it has one. An unvalidated one is added after the rows. */
function notNull({ strict }: ColumnRow): string {
  if (strict === null) return "NOT NULL";
  return `CONSTRAINT ${ident(strict.name)} NOT NULL${strict.inherited ? "" : " NO INHERIT"}`;
}

/**
 * Returns the column as a migration would write it, without the constraint name that the server generates.
 */
export function withUsualName(table: string, column: ColumnRow): ColumnRow {
  const { strict } = column;
  const usual = strict?.valid && strict.inherited;
  if (!usual || strict.name !== `${table}_${column.name}_not_null`) return column;
  return { ...column, strict: null };
}

/** Returns settings of a column that CREATE TABLE does not accept. */
export function columnSettings(column: ColumnRow): string[] {
  const name = `ALTER COLUMN ${ident(column.name)}`;
  const settings: string[] = [];
  if (column.storage !== null) settings.push(`${name} SET STORAGE ${column.storage}`);
  if (column.compression !== "")
    settings.push(`${name} SET COMPRESSION ${column.compression === "l" ? "lz4" : "pglz"}`);
  if (column.statistics !== null) settings.push(`${name} SET STATISTICS ${column.statistics}`);
  // Some servers keep a version counter of a column in an option with this prefix.
  const set = (column.options ?? []).filter((option) => !option.startsWith("pg_"));
  if (set.length > 0) settings.push(`${name} SET (${options(set)})`);
  return settings;
}
