import { codeOf } from "../files.ts";
import { type Postgres, quoteName, quoteText } from "./client.ts";

/** What a role's comment says: that we made it. */
const ROLE_MARK = "ikigai:role";

export function markRole(role: string): string {
  return `COMMENT ON ROLE ${quoteName(role)} IS ${quoteText(ROLE_MARK)}`;
}

/**
 * Drops roles of ours that a cut-off branch left without a schema. One that owns
 * something all the same stays.
 *
 * @param isNeeded asked right before, since a branch's role comes before its schema
 */
export async function sweepRoles(
  postgres: Postgres,
  isNeeded: (role: string) => boolean,
): Promise<void> {
  const rows = await postgres.query<{ role: string }>(
    `SELECT rolname AS role FROM pg_roles
      WHERE rolname ~ '^(wt|retired)_' AND shobj_description(oid, 'pg_authid') = $1
        AND NOT EXISTS (SELECT FROM pg_namespace WHERE nspname = rolname)`,
    [ROLE_MARK],
  );
  for (const { role } of rows) {
    if (isNeeded(role)) continue;
    try {
      await postgres.run([`DROP ROLE ${quoteName(role)}`]);
    } catch (error) {
      // 2BP01: dependent objects still exist.
      if (codeOf(error) !== "2BP01") throw error;
    }
  }
}
