import { codeOf } from "../fs/files.ts";
import type { Postgres } from "./client.ts";
import { quoteName, quoteText } from "./quote.ts";

/**
 * The group of all roles of worktrees: whom the server lets in over TCP (pg_hba.conf). It has no
 * right of its own.
 */
export const GROUP = "ikigai_worktrees";

/** Makes the group, and puts roles into it that an earlier version made. */
export const GROUP_STATEMENTS: readonly string[] = [
  `DO $do$ DECLARE role name; BEGIN
     IF NOT EXISTS (SELECT FROM pg_roles WHERE rolname = '${GROUP}') THEN CREATE ROLE ${GROUP} NOLOGIN; END IF;
     FOR role IN SELECT rolname FROM pg_roles r WHERE rolname ~ '^(wt|retired)_'
         AND shobj_description(oid, 'pg_authid') = 'ikigai:role' AND NOT EXISTS (SELECT FROM pg_auth_members m
           WHERE m.member = r.oid AND m.roleid = (SELECT oid FROM pg_roles WHERE rolname = '${GROUP}'))
     LOOP EXECUTE format('GRANT ${GROUP} TO %I', role); END LOOP;
   END $do$`,
];

/** What a role's comment says: that we made it. Only a superuser can write it (COMMENT, "Notes"). */
export const ROLE_MARK = "ikigai:role";

export function markRole(role: string): string {
  return `COMMENT ON ROLE ${quoteName(role)} IS ${quoteText(ROLE_MARK)}`;
}

/** Statement that drops a role of ours which owns nothing; another one of the name stays. */
export function dropMarkedRole(role: string): string {
  return whereMarked(role, `DROP ROLE ${quoteName(role)}`);
}

/**
 * The same for a role that owns something outside of its schema: that is somebody's work and becomes
 * the owner's. What the role was granted goes with it.
 */
export function releaseMarkedRole(role: string): string {
  const name = quoteName(role);
  return whereMarked(
    role,
    `REASSIGN OWNED BY ${name} TO ikigai; DROP OWNED BY ${name}; DROP ROLE ${name}`,
  );
}

function whereMarked(role: string, statements: string): string {
  return `DO $do$ BEGIN IF EXISTS (SELECT FROM pg_roles WHERE rolname = ${quoteText(role)}
      AND shobj_description(oid, 'pg_authid') = ${quoteText(ROLE_MARK)}) THEN ${statements}; END IF; END $do$`;
}

/**
 * The condition that the role `r` was left by a cut-off branch: ours, without a schema, owner of nothing
 * and granted nothing (pg_shdepend), and none of `needed`, an SQL array.
 */
export function isLeftOver(needed: string): string {
  return `(r.rolname ~ '^(wt|retired)_' AND shobj_description(r.oid, 'pg_authid') = ${quoteText(ROLE_MARK)}
    AND r.rolname <> ALL (${needed})
    AND NOT EXISTS (SELECT FROM pg_namespace WHERE nspname = r.rolname)
    AND NOT EXISTS (SELECT FROM pg_shdepend WHERE refclassid = 'pg_authid'::regclass AND refobjid = r.oid))`;
}

/**
 * Drops roles of ours that a cut-off branch left without a schema. One that owns
 * something all the same stays.
 *
 * @param needed roles that are in use, asked for right before: a branch's role comes before its schema
 */
export async function sweepRoles(
  postgres: Postgres,
  needed: () => readonly string[],
): Promise<void> {
  const rows = await postgres.read<{ role: string }>(
    `SELECT r.rolname AS role FROM pg_roles r WHERE ${isLeftOver("$1::text[]")}`,
    [needed()],
  );
  for (const { role } of rows) {
    if (needed().includes(role)) continue;
    try {
      await postgres.run([dropMarkedRole(role)]);
    } catch (error) {
      // 2BP01: dependent objects still exist.
      if (codeOf(error) !== "2BP01") throw error;
    }
  }
}
