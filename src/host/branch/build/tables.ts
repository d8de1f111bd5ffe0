import type { ColumnRow, RelationRow, SequenceRow } from "../inspect/tables.ts";
import { named, ownedBy, type Scope } from "../scope.ts";
import { foreignOptions, ident, literal, options } from "../sql.ts";
import type { Item, Note, Piece, Refusal } from "../types.ts";
import { columnDefinition, columnSettings } from "./columns.ts";
import { markInherited } from "./constraints.ts";
import { grantStatements } from "./grants.ts";

/** Tables of every kind: ordinary, partitioned, foreign, typed; and how they hang together. */
export function buildTables(
  scope: Scope,
  relations: readonly RelationRow[],
  columns: ReadonlyMap<number, readonly ColumnRow[]>,
  sequences: readonly SequenceRow[],
  plain: ReadonlySet<number>,
): Piece {
  const items: Item[] = [];
  const covers: [string, string][] = [];
  const refusals: Refusal[] = [];
  const notes: Note[] = [];
  const names = new Map(relations.map((row) => [row.oid, row.name]));
  const own = (table: number, column: string) => {
    const row = sequences.find((s) => s.link === "i" && s.table === table && s.column === column);
    const name = row && names.get(row.oid);
    return row && name !== undefined ? { name, row } : undefined;
  };
  for (const row of relations.filter((each) => "rpf".includes(each.kind))) {
    const key = `pg_class:${row.oid}`;
    const own_columns = columns.get(row.oid) ?? [];
    refusals.push(...relativesElsewhere(scope, row));
    if (row.kind === "f")
      notes.push({
        object: row.name,
        text: `foreign table: the branch has its own definition, but the rows stay those of the server ${row.server}`,
      });
    const definitions = own_columns.map((column) =>
      columnDefinition(scope, row, column, own, plain),
    );
    covers.push([`pg_type:${row.row_type}`, key], [`pg_class:${row.toast_oid}`, key]);
    for (const column of own_columns)
      if (column.generated !== "") covers.push([`pg_attrdef:${column.default_oid}`, key]);
    items.push({
      key,
      kind: row.kind === "f" ? "foreign table" : "table",
      name: row.name,
      sql: tableStatements(scope, row, definitions, own_columns),
      needs: [],
      phase: "early",
    });
    for (const parent of row.parents ?? [])
      items.push(inheritance(scope, row, parent, own_columns, key));
  }
  return { items, covers, refusals, notes };
}

function tableStatements(
  scope: Scope,
  row: RelationRow,
  definitions: readonly string[],
  columns: readonly ColumnRow[],
): string[] {
  const name = named(scope, row.name);
  const kind =
    row.kind === "f" ? "FOREIGN TABLE" : row.persistence === "u" ? "UNLOGGED TABLE" : "TABLE";
  const written =
    row.of_type === null
      ? definitions
      : definitions.filter((each) => !each.endsWith(" WITH OPTIONS"));
  const list = written.length > 0 || row.of_type === null ? ` (${written.join(", ")})` : "";
  const parts = [
    `CREATE ${kind} ${name}${row.of_type === null ? "" : ` OF ${row.of_type}`}${list}`,
  ];
  if (row.partkey !== null) parts.push(`PARTITION BY ${row.partkey}`);
  if (row.method !== null && row.method !== "heap") parts.push(`USING ${ident(row.method)}`);
  const storage = [options(row.options), options(row.toast_options, "toast.")].filter(
    (text) => text !== "",
  );
  if (storage.length > 0) parts.push(`WITH (${storage.join(", ")})`);
  if (row.tablespace !== null) parts.push(`TABLESPACE ${ident(row.tablespace)}`);
  if (row.kind === "f") {
    parts.push(`SERVER ${ident(row.server ?? "")}`);
    if (row.server_options?.length) parts.push(`OPTIONS (${foreignOptions(row.server_options)})`);
  }
  const settings = columns.flatMap(columnSettings);
  if (row.rls) settings.push("ENABLE ROW LEVEL SECURITY");
  if (row.force_rls) settings.push("FORCE ROW LEVEL SECURITY");
  if (row.identity === "f") settings.push("REPLICA IDENTITY FULL");
  if (row.identity === "n") settings.push("REPLICA IDENTITY NOTHING");
  const alter = row.kind === "f" ? "ALTER FOREIGN TABLE" : "ALTER TABLE ONLY";
  return [
    parts.join(" "),
    ...(settings.length > 0 ? [`${alter} ${name} ${settings.join(", ")}`] : []),
    ...ownedBy(scope, `TABLE ${name}`, row.owner),
    ...grantStatements(scope, `TABLE ${name}`, row.owner, row.acl),
    ...columnGrants(scope, `TABLE ${name}`, row.owner, columns),
  ];
}

/** Privileges on single columns, of tables and views. */
export function columnGrants(
  scope: Scope,
  object: string,
  owner: string,
  columns: readonly ColumnRow[],
): string[] {
  return columns.flatMap((column) =>
    grantStatements(scope, object, owner, column.acl, column.name),
  );
}

function inheritance(
  scope: Scope,
  row: RelationRow,
  parent: { oid: number; name: string },
  columns: readonly ColumnRow[],
  key: string,
): Item {
  const child = named(scope, row.name);
  const above = named(scope, parent.name);
  const inherited = columns.filter((column) => !column.local).map((column) => literal(column.name));
  const sql =
    row.bound !== null
      ? [`ALTER TABLE ONLY ${above} ATTACH PARTITION ${child} ${row.bound}`]
      : [`ALTER TABLE ONLY ${child} INHERIT ${above}`];
  // Creating with INHERITS could order the columns otherwise; pg_upgrade does the same as this.
  if (row.bound === null && inherited.length > 0)
    sql.push(
      `UPDATE pg_catalog.pg_attribute SET attislocal = false WHERE attrelid = ${literal(child)}::regclass AND attname IN (${inherited.join(", ")})`,
    );
  const strict = columns.flatMap(({ strict }) =>
    strict?.valid && !strict.local ? [strict.name] : [],
  );
  if (strict.length > 0) sql.push(markInherited(child, strict));
  return {
    key: `${key}/under:${parent.oid}`,
    kind: row.bound === null ? "inheritance" : "partition",
    name: `${row.name} of ${parent.name}`,
    sql,
    needs: [key, `pg_class:${parent.oid}`],
    phase: "early",
  };
}

function relativesElsewhere(scope: Scope, row: RelationRow): Refusal[] {
  const above = (row.parents ?? []).filter((parent) => parent.schema !== scope.oid);
  const elsewhere = [
    ...above.map((parent) => `its parent ${parent.name} lies in another schema`),
    ...(row.strangers ?? []).map((child) => `its child ${child} lies in another schema`),
  ];
  return elsewhere.map((why) => ({
    object: row.name,
    kind: "table",
    why: `${why}, so that a branch would lack rows or share them`,
    next: `move both into one schema: ALTER TABLE … SET SCHEMA ${ident(scope.schema)}`,
  }));
}
