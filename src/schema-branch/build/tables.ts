import type { ColumnRow, RelationRow, SequenceRow } from "../inspect/tables.ts";
import type { Refusal } from "../refusal.ts";
import { named, ownedBy, type Scope } from "../scope.ts";
import { foreignOptions, ident, literal, options } from "../sql.ts";
import type { BuildStep, Note, PlanPart } from "../types.ts";
import { columnDefinition, columnSettings } from "./columns.ts";
import { markInherited } from "./constraints.ts";
import { grantStatements } from "./grants.ts";
import { identityClause, identitySequences } from "./sequences.ts";

/** Builds tables of every kind (ordinary, partitioned, foreign, typed) and their inheritance. */
export function buildTables(
  scope: Scope,
  relations: readonly RelationRow[],
  columns: ReadonlyMap<number, readonly ColumnRow[]>,
  sequences: readonly SequenceRow[],
  plain: ReadonlySet<number>,
): PlanPart {
  const items: BuildStep[] = [];
  const covers: [string, string][] = [];
  const refusals: Refusal[] = [];
  const notes: Note[] = [];
  const own = identitySequences(relations, sequences);
  for (const row of relations.filter((each) => "rpf".includes(each.kind))) {
    const key = `pg_class:${row.oid}`;
    const own_columns = columns.get(row.oid) ?? [];
    refusals.push(...relativesElsewhere(scope, row));
    if (row.kind === "f")
      notes.push({
        object: row.name,
        text: `the rows of this foreign table stay those of the server ${row.server}, which every worktree reads and writes`,
      });
    const definitions = own_columns.map((column) =>
      columnDefinition(row, column, plain, identityClause(scope, own(column))),
    );
    covers.push([`pg_type:${row.row_type}`, key], [`pg_class:${row.toast_oid}`, key]);
    for (const column of own_columns)
      if (column.generated !== "") covers.push([`pg_attrdef:${column.default_oid}`, key]);
    const frame = tableFrame(scope, row);
    items.push({
      key,
      kind: row.kind === "f" ? "foreign table" : "table",
      name: row.name,
      sql: [
        `${frame[0]}${columnList(row, definitions)}${frame[1]}`,
        ...tableSettings(scope, row, own_columns),
      ],
      owner: ownedBy(scope, `TABLE ${named(scope, row.name)}`, row.owner),
      grants: [
        ...grantStatements(scope, `TABLE ${named(scope, row.name)}`, row.owner, row.acl),
        ...columnGrants(scope, `TABLE ${named(scope, row.name)}`, row.owner, own_columns),
      ],
      ...(row.of_type === null && { frame }),
      needs: [],
      phase: "early",
    });
    for (const parent of row.parents ?? [])
      items.push(inheritance(scope, row, parent, own_columns, key));
  }
  return { items, covers, refusals, notes };
}

/** Returns CREATE TABLE, split into the parts before and after the columns. */
function tableFrame(scope: Scope, row: RelationRow): [string, string] {
  const kind =
    row.kind === "f" ? "FOREIGN TABLE" : row.persistence === "u" ? "UNLOGGED TABLE" : "TABLE";
  const of = row.of_type === null ? "" : ` OF ${row.of_type}`;
  const parts: string[] = [];
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
  return [
    `CREATE ${kind} ${named(scope, row.name)}${of}`,
    parts.map((part) => ` ${part}`).join(""),
  ];
}

function columnList(row: RelationRow, definitions: readonly string[]): string {
  if (row.of_type === null) return ` (${definitions.join(", ")})`;
  const written = definitions.filter((each) => !each.endsWith(" WITH OPTIONS"));
  return written.length > 0 ? ` (${written.join(", ")})` : "";
}

/** Returns settings of a table that CREATE TABLE does not accept. */
function tableSettings(scope: Scope, row: RelationRow, columns: readonly ColumnRow[]): string[] {
  const name = named(scope, row.name);
  const settings = columns.flatMap(columnSettings);
  if (row.rls) settings.push("ENABLE ROW LEVEL SECURITY");
  if (row.force_rls) settings.push("FORCE ROW LEVEL SECURITY");
  if (row.identity === "f") settings.push("REPLICA IDENTITY FULL");
  // A foreign table has no replica identity, and cannot be given one.
  if (row.identity === "n" && row.kind !== "f") settings.push("REPLICA IDENTITY NOTHING");
  const alter = row.kind === "f" ? "ALTER FOREIGN TABLE" : "ALTER TABLE ONLY";
  return settings.length > 0 ? [`${alter} ${name} ${settings.join(", ")}`] : [];
}

/** Returns grants on single columns of tables and views. */
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
): BuildStep {
  const child = named(scope, row.name);
  const above = named(scope, parent.name);
  const inherited = columns.filter((column) => !column.local).map((column) => literal(column.name));
  const sql =
    row.bound !== null
      ? [`ALTER TABLE ONLY ${above} ATTACH PARTITION ${child} ${row.bound}`]
      : [`ALTER TABLE ONLY ${child} INHERIT ${above}`];
  // CREATE TABLE … INHERITS could change the order of columns; pg_upgrade does it this way too.
  const marks: string[] = [];
  if (row.bound === null && inherited.length > 0)
    marks.push(
      `UPDATE pg_catalog.pg_attribute SET attislocal = false WHERE attrelid = ${literal(child)}::regclass AND attname IN (${inherited.join(", ")})`,
    );
  const strict = columns.flatMap(({ strict }) =>
    strict?.valid && !strict.local ? [strict.name] : [],
  );
  if (strict.length > 0) marks.push(markInherited(child, strict));
  return {
    key: `${key}/under:${parent.oid}`,
    kind: row.bound === null ? "inheritance" : "partition",
    name: `${row.name} of ${parent.name}`,
    sql,
    marks,
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
