import type pg from "pg";
import { named, type Scope } from "../scope.ts";
import { ident } from "../sql.ts";
import type { Refusal } from "../types.ts";
import type { Inventory } from "./inventory.ts";
import type { ColumnRow, RelationRow } from "./tables.ts";

/** Types whose values are OIDs of objects, and the catalog and column that say in which schema. */
const POINTERS: Readonly<Record<string, readonly [string, string]>> = {
  regclass: ["pg_class", "relnamespace"],
  regtype: ["pg_type", "typnamespace"],
  regproc: ["pg_proc", "pronamespace"],
  regprocedure: ["pg_proc", "pronamespace"],
  regoper: ["pg_operator", "oprnamespace"],
  regoperator: ["pg_operator", "oprnamespace"],
  regconfig: ["pg_ts_config", "cfgnamespace"],
  regdictionary: ["pg_ts_dict", "dictnamespace"],
  regcollation: ["pg_collation", "collnamespace"],
  regnamespace: ["pg_namespace", "oid"],
};

/** Columns that hold OIDs of the schema's own objects: copied as they are, they would point to the base. */
export async function readPointers(
  client: pg.Client,
  scope: Scope,
  relations: readonly RelationRow[],
  columns: ReadonlyMap<number, readonly ColumnRow[]>,
): Promise<Refusal[]> {
  const refusals: Refusal[] = [];
  for (const relation of relations.filter((row) => row.kind === "r"))
    for (const column of columns.get(relation.oid) ?? []) {
      const pointer = POINTERS[column.base_type.replace(/\[\]$/, "")];
      if (!pointer) continue;
      const [catalog, space] = pointer;
      const value = column.base_type.endsWith("]")
        ? `ANY (${ident(column.name)})`
        : ident(column.name);
      const { rows } = await client.query<{ found: boolean }>(
        `SELECT EXISTS (SELECT FROM ONLY ${named(scope, relation.name)} t JOIN ${catalog} c ON c.oid = ${value} WHERE c.${space} = $1) AS found`,
        [scope.oid],
      );
      if (rows[0]?.found)
        refusals.push({
          object: `${relation.name}.${column.name}`,
          kind: "column",
          why: `its values (${column.base_type}) are numbers of objects of ${scope.schema}, and would point there from the branch`,
          next: "store names as text, without the schema",
        });
    }
  return refusals;
}

/** Security labels belong to a provider that only knows the object they are on. */
export async function readLabels(client: pg.Client, inventory: Inventory): Promise<Refusal[]> {
  const { rows } = await client.query<{ object: string; provider: string }>(
    `SELECT pg_describe_object(l.classoid, l.objoid, l.objsubid) AS object, l.provider FROM pg_seclabel l
       JOIN unnest($1::text[]) k(key) ON l.objoid = split_part(k.key, ':', 2)::oid AND l.classoid = split_part(k.key, ':', 1)::regclass`,
    [[...inventory.keys]],
  );
  return rows.map((row) => ({
    object: row.object,
    kind: "security label",
    why: `only its provider ${row.provider} can say what it means on another object`,
    next: `SECURITY LABEL FOR ${ident(row.provider)} ON … IS NULL`,
  }));
}
