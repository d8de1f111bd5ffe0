import type pg from "pg";
import { BUILD_MARK, IS_REGISTERED, REGISTRY } from "./registry.ts";
import { dropRole, removeBuildRole } from "./worker.ts";

/**
 * Removes abandoned builds, their workers' roles, and roles of reserves that were never finished. They are
 * abandoned if their advisory lock is free, which the builder's connection holds as long as it lives. Returns
 * their names.
 */
export async function sweepBuilds(client: pg.Client): Promise<string[]> {
  const builds = await sweep(client, BUILDS, (name) => removeBuildRole(client, name));
  const reserves = await sweep(client, RESERVES, (name) => client.query(dropRole(name)));
  return [...builds, ...reserves];
}

const BUILDS = `SELECT name FROM (
    SELECT regexp_replace(n.nspname, '_lens$', '') AS name FROM pg_namespace n JOIN ${REGISTRY} r ON ${IS_REGISTERED}
     WHERE n.nspname LIKE 'ikigai\\_build\\_%' AND r.mark = $1
     UNION SELECT rolname FROM pg_roles
     WHERE rolname LIKE 'ikigai\\_build\\_%' AND shobj_description(oid, 'pg_authid') = $1) AS builds`;

const RESERVES = `SELECT rolname AS name FROM pg_roles
    WHERE rolname LIKE 'ikigai\\_reserve\\_%' AND shobj_description(oid, 'pg_authid') = $1
      AND NOT EXISTS (SELECT FROM pg_namespace WHERE nspname = rolname)`;

async function sweep(
  client: pg.Client,
  statement: string,
  remove: (name: string) => Promise<unknown>,
): Promise<string[]> {
  const { rows } = await client.query<{ name: string }>(statement, [BUILD_MARK]);
  const swept: string[] = [];
  for (const { name } of rows) {
    const key = "hashtextextended($1, 0)";
    const lock = await client.query<{ free: boolean }>(
      `SELECT pg_try_advisory_lock(${key}) AS free`,
      [name],
    );
    if (!lock.rows[0]?.free) continue;
    try {
      // The former holder of the lock may have finished the build meanwhile.
      const again = await client.query<{ name: string }>(statement, [BUILD_MARK]);
      if (!again.rows.some((row) => row.name === name)) continue;
      await remove(name);
      swept.push(name);
    } finally {
      await client.query(`SELECT pg_advisory_unlock(${key})`, [name]);
    }
  }
  return swept;
}
