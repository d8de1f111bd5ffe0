import type pg from "pg";
import type { Inventory } from "./inventory.ts";

/** Catalogs keyed by an object's own OID; below, those with parts of an object. */
const WHOLE = [
  "attrdef",
  "constraint",
  "trigger",
  "rewrite",
  "policy",
  "proc",
  "type",
  "statistic_ext",
  "operator",
  "opclass",
  "opfamily",
  "amop",
  "amproc",
  "cast",
  "collation",
  "conversion",
  "ts_config",
  "ts_dict",
  "ts_parser",
  "ts_template",
  "default_acl",
];
const OF_RELATIONS: readonly (readonly [string, string])[] = [
  ["attribute", "attrelid"],
  ["index", "indexrelid"],
  ["inherits", "inhrelid"],
  ["partitioned_table", "partrelid"],
  ["foreign_table", "ftrelid"],
  ["sequence", "seqrelid"],
];
const OF_OTHERS: readonly (readonly [string, string, string])[] = [
  ["pg_type", "enum", "enumtypid"],
  ["pg_type", "range", "rngtypid"],
  ["pg_proc", "aggregate", "aggfnoid"],
  ["pg_ts_config", "ts_config_map", "mapcfg"],
];

/**
 * Returns a digest of a schema's structure, made of the version (xmin) of each catalog row. Uses the content
 * of pg_class instead, because maintenance (TRUNCATE, REFRESH, CLUSTER) rewrites its rows.
 */
export async function readHash(
  client: pg.Client,
  namespace: number,
  inventory: Inventory,
): Promise<string> {
  const all = [...inventory.keys].map((key) => Number(key.slice(key.indexOf(":") + 1)));
  const parameters: unknown[] = [namespace, all, inventory.of("pg_class")];
  const at = (catalog: string) => {
    parameters.push(inventory.of(catalog));
    return `ANY ($${parameters.length}::oid[])`;
  };
  const present = (catalog: string) => inventory.of(catalog).length > 0;
  const parts = [
    "SELECT 'n' || nspowner || coalesce(nspacl::text, '') AS h FROM pg_namespace WHERE oid = $1",
    `SELECT concat_ws('|', oid, relname, relnamespace, relowner, relam, reltablespace, relpersistence, relkind,
       relrowsecurity, relforcerowsecurity, relispopulated, relreplident, relispartition, relacl, reloptions, relpartbound::text)
       FROM rel`,
    ...WHOLE.filter((name) => present(`pg_${name}`)).map(
      (name) =>
        `SELECT '${name}' || oid || '|' || xmin FROM pg_${name} WHERE oid = ${at(`pg_${name}`)}`,
    ),
    ...OF_RELATIONS.map(
      ([name, column]) =>
        `SELECT '${name}' || x.${column} || x.ctid || '|' || x.xmin FROM rel JOIN pg_${name} x ON x.${column} = rel.oid`,
    ),
    ...OF_OTHERS.filter(([from]) => present(from)).map(
      ([from, name, column]) =>
        `SELECT '${name}' || ${column}::oid || ctid || '|' || xmin FROM pg_${name} WHERE ${column} = ${at(from)}`,
    ),
    `SELECT 'd' || concat_ws('|', classoid, objoid, objsubid, xmin) FROM pg_description WHERE objoid = ANY ($2::oid[])`,
  ];
  const { rows } = await client.query<{ hash: string }>(
    `WITH rel AS MATERIALIZED (SELECT * FROM pg_class WHERE oid = ANY ($3::oid[]) AND relnamespace = $1)
     SELECT count(*) || ':' || coalesce(sum(hashtextextended(h, 0)), 0) AS hash FROM (${parts.join(" UNION ALL ")}) x(h)`,
    parameters,
  );
  return rows[0]?.hash ?? "";
}
