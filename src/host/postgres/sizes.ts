import { readMark } from "../../model/schema-mark.ts";
import { BUILD_MARK, IS_REGISTERED, REGISTRY, RESERVE_MARK } from "../../schema-branch/registry.ts";
import type { Postgres } from "./client.ts";

/** One of our schemas and the space it takes. */
export interface SizedSchema {
  readonly schema: string;
  readonly worktree: string;
  readonly state: "live" | "retired" | "reserve";
  readonly tables: number;
  /** Bytes with indexes and TOAST. */
  readonly bytes: number;
}

/** Lists all of our schemas, the largest first. */
export async function listSizes(postgres: Postgres): Promise<SizedSchema[]> {
  const rows = await postgres.read<{
    schema: string;
    mark: string | null;
    tables: string;
    bytes: string;
  }>(
    `SELECT n.nspname AS schema, r.mark,
            count(c.oid) FILTER (WHERE c.relkind IN ('r', 'p')) AS tables,
            coalesce(sum(pg_total_relation_size(c.oid)) FILTER (WHERE c.relkind IN ('r', 'm', 'S')), 0) AS bytes
       FROM ${REGISTRY} r JOIN pg_namespace n ON ${IS_REGISTERED}
       LEFT JOIN pg_class c ON c.relnamespace = n.oid
      WHERE r.mark <> '${BUILD_MARK}' AND n.nspname NOT LIKE 'dropped\\_%'
      GROUP BY n.oid, n.nspname, r.mark`,
  );
  return rows
    .flatMap(({ schema, mark: text, tables, bytes }): SizedSchema[] => {
      const reserve = text === RESERVE_MARK;
      const mark = readMark(text);
      if (!mark && !reserve) return [];
      const state = reserve ? "reserve" : mark?.retired ? "retired" : "live";
      return [
        {
          schema,
          worktree: mark?.worktree ?? "",
          state,
          tables: Number(tables),
          bytes: Number(bytes),
        },
      ];
    })
    .sort((a, b) => b.bytes - a.bytes);
}
