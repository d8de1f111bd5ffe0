import type { ColumnRow, RelationRow, SequenceRow } from "../inspect/tables.ts";
import { named, ownedBy, type Scope } from "../scope.ts";
import { ident } from "../sql.ts";
import type { BuildStep, PlanPart } from "../types.ts";
import { grantStatements } from "./grants.ts";

/** Returns `INCREMENT BY … CYCLE`; numbers stay text, so that large ones stay exact. */
function sequenceOptions(row: SequenceRow): string {
  return [
    `INCREMENT BY ${row.increment} MINVALUE ${row.min} MAXVALUE ${row.max}`,
    `START WITH ${row.start} CACHE ${row.cache} ${row.cycle ? "CYCLE" : "NO CYCLE"}`,
  ].join(" ");
}

/** The sequence of an identity column. */
export interface OwnSequence {
  readonly name: string;
  readonly row: SequenceRow;
}

/** Returns a function that finds the sequence of an identity column. */
export function identitySequences(
  relations: readonly RelationRow[],
  sequences: readonly SequenceRow[],
): (column: ColumnRow) => OwnSequence | undefined {
  const names = new Map(relations.map((row) => [row.oid, row.name]));
  const found = new Map<string, OwnSequence>();
  for (const row of sequences.filter(({ link }) => link === "i")) {
    const name = names.get(row.oid);
    if (name !== undefined) found.set(`${row.table} ${row.column}`, { name, row });
  }
  return ({ table, name }) => found.get(`${table} ${name}`);
}

/** Returns what follows AS IDENTITY in parentheses. */
export function identityClause(scope: Scope, own: OwnSequence | undefined): string | undefined {
  return own && `SEQUENCE NAME ${named(scope, own.name)} ${sequenceOptions(own.row)}`;
}

const LARGEST: Readonly<Record<string, string>> = {
  smallint: "32767",
  integer: "2147483647",
  bigint: "9223372036854775807",
};

/** Returns the same as a migration would write it: only options that differ from the defaults. */
export function briefIdentityClause(own: OwnSequence | undefined): string | undefined {
  if (!own) return undefined;
  const { row } = own;
  const parts: [boolean, string][] = [
    [row.start !== "1", `START WITH ${row.start}`],
    [row.increment !== "1", `INCREMENT BY ${row.increment}`],
    [row.min !== "1", `MINVALUE ${row.min}`],
    [row.max !== LARGEST[row.type], `MAXVALUE ${row.max}`],
    [row.cache !== "1", `CACHE ${row.cache}`],
    [row.cycle, "CYCLE"],
  ];
  return parts.flatMap(([unusual, text]) => (unusual ? [text] : [])).join(" ");
}

/** Builds sequences; those of identity columns are created with their tables. */
export function buildSequences(
  scope: Scope,
  relations: readonly RelationRow[],
  sequences: readonly SequenceRow[],
): PlanPart {
  const items: BuildStep[] = [];
  const covers: [string, string][] = [];
  const byOid = new Map(relations.map((row) => [row.oid, row]));
  for (const row of sequences) {
    const relation = byOid.get(row.oid);
    if (!relation) continue;
    const key = `pg_class:${row.oid}`;
    const name = named(scope, relation.name);
    const grants = grantStatements(scope, `SEQUENCE ${name}`, relation.owner, relation.acl);
    const table = row.table === null ? undefined : byOid.get(row.table);
    if (row.link === "i") {
      const home = `pg_class:${row.table}`;
      covers.push([key, home]);
      if (grants.length > 0)
        items.push({
          key: `${key}/grants`,
          kind: "grants",
          name: relation.name,
          sql: [],
          grants,
          needs: [home],
          phase: "any",
        });
      continue;
    }
    const unlogged = relation.persistence === "u" ? "UNLOGGED " : "";
    items.push({
      key,
      kind: "sequence",
      name: relation.name,
      sql: [`CREATE ${unlogged}SEQUENCE ${name} AS ${row.type} ${sequenceOptions(row)}`],
      // A sequence that belongs to a column follows its table's owner.
      owner: row.link === "a" ? [] : ownedBy(scope, `SEQUENCE ${name}`, relation.owner),
      grants,
      needs: [],
      phase: "early",
    });
    if (row.link === "a" && table && row.column !== null)
      items.push({
        key: `${key}/owned`,
        kind: "sequence owner",
        name: relation.name,
        sql: [`ALTER SEQUENCE ${name} OWNED BY ${named(scope, table.name)}.${ident(row.column)}`],
        needs: [key, `pg_class:${row.table}`],
        phase: "any",
      });
  }
  return { items, covers };
}
