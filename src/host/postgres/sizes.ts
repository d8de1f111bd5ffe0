import { readMark } from "../../model/mark.ts";
import type { Postgres } from "./client.ts";

/** One schema of ours and what it takes on disk. */
export interface SizedSchema {
  readonly schema: string;
  readonly worktree: string;
  readonly state: "live" | "retired" | "reserve";
  readonly tables: number;
  /** Bytes with indexes and TOAST. */
  readonly bytes: number;
}

/** Every schema that is ours, the largest first. */
export async function listSizes(postgres: Postgres): Promise<SizedSchema[]> {
  const rows = await postgres.query<{
    schema: string;
    comment: string | null;
    tables: string;
    bytes: string;
  }>(
    `SELECT n.nspname AS schema, obj_description(n.oid, 'pg_namespace') AS comment,
            count(c.oid) FILTER (WHERE c.relkind IN ('r', 'p')) AS tables,
            coalesce(sum(pg_total_relation_size(c.oid)) FILTER (WHERE c.relkind IN ('r', 'm', 'S')), 0) AS bytes
       FROM pg_namespace n LEFT JOIN pg_class c ON c.relnamespace = n.oid
      WHERE n.nspname LIKE 'wt\\_%' OR n.nspname LIKE 'retired\\_%' OR n.nspname LIKE 'ikigai\\_reserve\\_%'
      GROUP BY n.oid, n.nspname`,
  );
  return rows
    .flatMap(({ schema, comment, tables, bytes }): SizedSchema[] => {
      const reserve = schema.startsWith("ikigai_reserve_");
      const mark = readMark(comment);
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
