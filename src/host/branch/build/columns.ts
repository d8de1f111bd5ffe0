import type { ColumnRow, RelationRow, SequenceRow } from "../inspect/tables.ts";
import { named, type Scope } from "../scope.ts";
import { foreignOptions, ident, options } from "../sql.ts";
import { sequenceOptions } from "./sequences.ts";

/** A column as CREATE TABLE takes it, with its default if that is `plain`; `own` finds the sequence behind an identity column. */
export function columnDefinition(
  scope: Scope,
  table: RelationRow,
  column: ColumnRow,
  own: (table: number, column: string) => { name: string; row: SequenceRow } | undefined,
  plain: ReadonlySet<number>,
): string {
  const parts = [ident(column.name), table.of_type === null ? column.type : "WITH OPTIONS"];
  if (column.foreign_options?.length)
    parts.push(`OPTIONS (${foreignOptions(column.foreign_options)})`);
  if (column.collation !== null && table.of_type === null)
    parts.push(`COLLATE ${column.collation}`);
  if (column.generated === "s") parts.push(`GENERATED ALWAYS AS (${column.default_sql}) STORED`);
  if (column.generated === "v") parts.push(`GENERATED ALWAYS AS (${column.default_sql}) VIRTUAL`);
  const sequence = column.identity === "" ? undefined : own(column.table, column.name);
  if (sequence)
    parts.push(
      `GENERATED ${column.identity === "a" ? "ALWAYS" : "BY DEFAULT"} AS IDENTITY`,
      `(SEQUENCE NAME ${named(scope, sequence.name)} ${sequenceOptions(sequence.row)})`,
    );
  if (column.default_oid !== null && plain.has(column.default_oid))
    parts.push(`DEFAULT ${column.default_sql}`);
  if (column.not_null && column.strict?.valid !== false) parts.push(notNull(column));
  return parts.join(" ");
}

/** With its name where it has one; one that is not proven comes after the rows. */
function notNull({ strict }: ColumnRow): string {
  if (strict === null) return "NOT NULL";
  return `CONSTRAINT ${ident(strict.name)} NOT NULL${strict.inherited ? "" : " NO INHERIT"}`;
}

/** The column as a migration would write it: a name that the server gave is not worth telling. */
export function withUsualName(table: string, column: ColumnRow): ColumnRow {
  const { strict } = column;
  const usual = strict?.valid && strict.inherited;
  if (!usual || strict.name !== `${table}_${column.name}_not_null`) return column;
  return { ...column, strict: null };
}

/** Settings of a column that CREATE TABLE does not take. */
export function columnSettings(column: ColumnRow): string[] {
  const name = `ALTER COLUMN ${ident(column.name)}`;
  const settings: string[] = [];
  if (column.storage !== null) settings.push(`${name} SET STORAGE ${column.storage}`);
  if (column.compression !== "")
    settings.push(`${name} SET COMPRESSION ${column.compression === "l" ? "lz4" : "pglz"}`);
  if (column.statistics !== null) settings.push(`${name} SET STATISTICS ${column.statistics}`);
  // Some servers count the versions of a column in an option of their own.
  const set = (column.options ?? []).filter((option) => !option.startsWith("pg_"));
  if (set.length > 0) settings.push(`${name} SET (${options(set)})`);
  return settings;
}
