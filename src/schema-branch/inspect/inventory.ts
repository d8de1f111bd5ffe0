import type pg from "pg";

/** One row of pg_depend; columns are treated as their table. */
export interface Edge {
  readonly from: string;
  readonly to: string;
  readonly type: string;
}

/** Everything that depends on a schema, directly or indirectly. */
export interface Inventory {
  readonly edges: readonly Edge[];
  readonly keys: ReadonlySet<string>;
  /** Returns the OIDs found in one catalog. */
  of(catalog: string): number[];
}

/**
 * Finds a schema's objects through pg_depend's index, so that the cost does not depend on how many other
 * schemas the database has (no catalog has an index by namespace).
 */
export async function readInventory(client: pg.Client, namespace: number): Promise<Inventory> {
  const { rows } = await client.query<{ f: string; t: string; d: string }>(
    `WITH RECURSIVE o(classid, objid) AS (
       SELECT classid, objid FROM pg_depend
        WHERE refclassid = 'pg_namespace'::regclass AND refobjid = $1
       UNION
       SELECT d.classid, d.objid FROM o
         JOIN pg_depend d ON d.refclassid = o.classid AND d.refobjid = o.objid)
     SELECT DISTINCT d.classid::regclass || ':' || d.objid AS f,
            d.refclassid::regclass || ':' || d.refobjid AS t, d.deptype::text AS d
       FROM o JOIN pg_depend d ON d.classid = o.classid AND d.objid = o.objid`,
    [namespace],
  );
  const edges = rows.map((row) => ({ from: row.f, to: row.t, type: row.d }));
  const keys = new Set(edges.map((edge) => edge.from));
  const byCatalog = new Map<string, number[]>();
  for (const key of keys) {
    const at = key.indexOf(":");
    const catalog = key.slice(0, at);
    const found = byCatalog.get(catalog) ?? [];
    found.push(Number(key.slice(at + 1)));
    byCatalog.set(catalog, found);
  }
  return { edges, keys, of: (catalog) => byCatalog.get(catalog) ?? [] };
}
