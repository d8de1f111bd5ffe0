import type pg from "pg";
import { BUILD_MARK, removeWorker } from "./worker.ts";

/**
 * Removes builds that nobody is working on, and their workers' roles: the owner's connection, which holds a lock for as
 * long as it lives, is gone. Returns their names.
 */
export async function sweepBuilds(client: pg.Client): Promise<string[]> {
  const { rows } = await client.query<{ name: string }>(
    `SELECT regexp_replace(nspname, '_lens$', '') AS name FROM pg_namespace
      WHERE nspname LIKE 'ikigai\\_build\\_%' AND obj_description(oid, 'pg_namespace') = $1
      UNION SELECT rolname FROM pg_roles
      WHERE rolname LIKE 'ikigai\\_build\\_%' AND shobj_description(oid, 'pg_authid') = $1`,
    [BUILD_MARK],
  );
  const swept: string[] = [];
  for (const { name } of rows) {
    const key = "hashtextextended($1, 0)";
    const lock = await client.query<{ free: boolean }>(
      `SELECT pg_try_advisory_lock(${key}) AS free`,
      [name],
    );
    if (!lock.rows[0]?.free) continue;
    try {
      await removeWorker(client, name);
      swept.push(name);
    } finally {
      await client.query(`SELECT pg_advisory_unlock(${key})`, [name]);
    }
  }
  return swept;
}
