import { BUILD_MARK, IS_REGISTERED, REGISTRY, RESERVE_MARK } from "../../schema-branch/registry.ts";
import type { Postgres } from "./client.ts";
import { isLeftOver } from "./roles.ts";

/** What can be learned about the server without reading any schema. */
export interface Activity {
  /** The insert position of its WAL: equal values mean that nothing was written in between. */
  readonly position: string;
  /** Schemas that have a reserve. */
  readonly bases: readonly string[];
  /** Whether a build is unfinished or left a role; it may still be running. */
  readonly unfinished: boolean;
}

/**
 * Reads the server's activity with one small statement.
 *
 * @param needed roles in use, with or without a schema
 */
export async function readActivity(
  postgres: Postgres,
  needed: readonly string[],
): Promise<Activity> {
  const rows = await postgres.read<{ position: string; names: string[]; left: boolean }>(
    `SELECT pg_current_wal_insert_lsn()::text AS position,
            ARRAY(SELECT n.nspname::text FROM pg_namespace n JOIN ${REGISTRY} r ON ${IS_REGISTERED}
                   WHERE r.mark IN ('${RESERVE_MARK}', '${BUILD_MARK}')) AS names,
            EXISTS (SELECT FROM pg_roles r WHERE ${isLeftOver("$1::text[]")}
              OR r.rolname ~ '^ikigai_(build|reserve)_' AND shobj_description(r.oid, 'pg_authid') = '${BUILD_MARK}'
                 AND NOT EXISTS (SELECT FROM pg_namespace WHERE nspname = r.rolname)) AS "left"`,
    [needed],
  );
  const { position = "", names = [], left = false } = rows[0] ?? {};
  return {
    position,
    bases: names.flatMap((name) => {
      const base = /^ikigai_reserve_(.*)$/.exec(name)?.[1];
      return base === undefined ? [] : [`wt_${base}`];
    }),
    unfinished: left || names.some((name) => name.startsWith("ikigai_build_")),
  };
}

/**
 * Returns a string that changes when tables in these schemas are created, dropped, altered or written to;
 * with a short delay, because the server updates its row statistics late. A hint, not a proof. Goes through
 * pg_depend, because pg_class has no index by schema and there may be a thousand of them.
 */
export async function readTableFingerprint(
  postgres: Postgres,
  schemas: readonly string[],
): Promise<string> {
  const rows = await postgres.read<{ print: string | null }>(
    `SELECT md5(string_agg(concat_ws(':', c.oid, c.xmin, c.relfilenode, pg_stat_get_tuples_inserted(c.oid),
              pg_stat_get_tuples_updated(c.oid), pg_stat_get_tuples_deleted(c.oid)), ',' ORDER BY c.oid)) AS print
       FROM pg_namespace n
       JOIN pg_depend d ON d.refclassid = 'pg_namespace'::regclass AND d.refobjid = n.oid AND d.classid = 'pg_class'::regclass
       JOIN pg_class c ON c.oid = d.objid
      WHERE n.nspname = ANY ($1) AND c.relkind IN ('r', 'm', 'p', 'v', 'S')`,
    [schemas],
  );
  return rows[0]?.print ?? "";
}
