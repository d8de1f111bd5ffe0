import type { RelationRow, SequenceRow } from "../inspect/tables.ts";
import { named, ownedBy, type Scope } from "../scope.ts";
import { ident } from "../sql.ts";
import type { Item, Piece } from "../types.ts";
import { grantStatements } from "./grants.ts";

/** `INCREMENT BY … CYCLE`; numbers stay text, so that large ones stay exact. */
export function sequenceOptions(row: SequenceRow): string {
  return [
    `INCREMENT BY ${row.increment} MINVALUE ${row.min} MAXVALUE ${row.max}`,
    `START WITH ${row.start} CACHE ${row.cache} ${row.cycle ? "CYCLE" : "NO CYCLE"}`,
  ].join(" ");
}

/** Sequences; those of identity columns come with their tables. */
export function buildSequences(
  scope: Scope,
  relations: readonly RelationRow[],
  sequences: readonly SequenceRow[],
): Piece {
  const items: Item[] = [];
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
          sql: grants,
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
      sql: [
        `CREATE ${unlogged}SEQUENCE ${name} AS ${row.type} ${sequenceOptions(row)}`,
        ...ownedBy(scope, `SEQUENCE ${name}`, relation.owner),
        ...grants,
      ],
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
