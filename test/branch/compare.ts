import type { Cluster } from "./cluster.ts";

/**
 * Normalises the schema's and role's name in a dump. Function bodies that name the schema use the
 * same word; data that merely contains it must not change: such rows have `wt_main` in both.
 */
export function normalised(dump: string, schema: string): string {
  return dump
    .split("\n")
    .filter(
      (line) =>
        !line.startsWith("--") &&
        !/^\\(un)?restrict /.test(line) &&
        !line.startsWith("ALTER PUBLICATION"),
    )
    .map((line) => line.replace(new RegExp(`\\b(${schema}|wt_main)\\b`, "g"), "SCHEMA"))
    .filter((line) => !/^COMMENT ON SCHEMA SCHEMA /.test(line))
    .join("\n")
    .replace(/\n{2,}/g, "\n");
}

/** Returns row count and an order-independent checksum of each table and materialized view of a schema. */
export async function checksums(cluster: Cluster, schema: string): Promise<Record<string, string>> {
  const client = await cluster.connect();
  try {
    const { rows } = await client.query<{ name: string }>(
      `SELECT relname AS name FROM pg_class WHERE relnamespace = $1::regnamespace AND (relkind = 'r' OR relkind = 'm' AND relispopulated) ORDER BY 1`,
      [schema],
    );
    const sums: Record<string, string> = {};
    for (const { name } of rows) {
      const sum = await client.query<{ sum: string }>(
        `SELECT count(*) || ' ' || coalesce(sum(hashtextextended(t::text, 0)), 0) AS sum FROM ONLY "${schema}"."${name}" t`,
      );
      sums[name] = sum.rows[0]?.sum ?? "";
    }
    return sums;
  } finally {
    await client.end();
  }
}
