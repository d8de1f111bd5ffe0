import type pg from "pg";
import type { Refusal } from "../refusal.ts";
import type { ReadableRelation } from "../relation.ts";
import { ident } from "../sql.ts";
import type { Pointer } from "../types.ts";
import type { Inventory } from "./inventory.ts";
import type { ColumnRow, RelationRow } from "./tables.ts";

/** Types whose values are OIDs of objects, with their catalog and its column for the schema. */
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

/** Lists columns that can hold OIDs of the schema's own objects. */
export function pointersOf(
  relations: readonly RelationRow[],
  columns: ReadonlyMap<number, readonly ColumnRow[]>,
): Pointer[] {
  return relations
    .filter((row) => row.kind === "r")
    .flatMap((relation) =>
      (columns.get(relation.oid) ?? []).flatMap((column): Pointer[] => {
        const [catalog, space] = POINTERS[column.base_type.replace(/\[\]$/, "")] ?? [];
        if (catalog === undefined || space === undefined) return [];
        const name = ident(column.name);
        const value = column.base_type.endsWith("]") ? `ANY (${name})` : name;
        const object = `${relation.name}.${column.name}`;
        return [{ table: relation.oid, object, type: column.base_type, value, catalog, space }];
      }),
    );
}

/**
 * Refuses reg* columns whose values point into the base: copied as they are, they still would. Runs as the
 * worker, because even planning a query can call functions used in a table's indexes.
 */
export async function readPointers(
  worker: pg.Client,
  survey: { readonly oid: number; readonly schema: string; readonly pointers: readonly Pointer[] },
  places: ReadonlyMap<number, ReadableRelation>,
): Promise<Refusal[]> {
  const refusals: Refusal[] = [];
  if (survey.pointers.length === 0) return refusals;
  const { rows } = await worker.query<{ path: string }>(
    "SELECT current_setting('search_path') AS path",
  );
  await worker.query(`SET search_path = ${ident(survey.schema)}, extensions`);
  for (const { table, object, type, value, catalog, space } of survey.pointers) {
    const place = places.get(table);
    if (!place) continue;
    const { rows } = await worker.query<{ found: boolean }>(
      `SELECT EXISTS (SELECT FROM ONLY ${place.from} t JOIN pg_catalog.${catalog} c ON c.oid = ${value} WHERE c.${space} = $1) AS found`,
      [survey.oid],
    );
    if (rows[0]?.found)
      refusals.push({
        object,
        kind: "column",
        why: `its values (${type}) are numbers of objects of ${survey.schema}, and would point there from the branch`,
        next: "store names as text, without the schema",
      });
  }
  await worker.query("SELECT set_config('search_path', $1, false)", [rows[0]?.path]);
  return refusals;
}

/** Refuses security labels, because only their provider knows what they mean on another object. */
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
