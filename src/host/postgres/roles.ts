import { codeOf } from "../fs/files.ts";
import type { Postgres } from "./client.ts";
import { quoteName, quoteText } from "./quote.ts";

/** The group of all worktrees' roles, which pg_hba.conf allows to connect over TCP. It has no privileges. */
export const GROUP = "ikigai_worktrees";

/** Creates the group, and adds roles that an earlier version created. */
export const GROUP_STATEMENTS: readonly string[] = [
  `DO $do$ DECLARE role name; BEGIN
     IF NOT EXISTS (SELECT FROM pg_roles WHERE rolname = '${GROUP}') THEN CREATE ROLE ${GROUP} NOLOGIN; END IF;
     FOR role IN SELECT rolname FROM pg_roles r WHERE rolname ~ '^(wt|retired)_'
         AND shobj_description(oid, 'pg_authid') = 'ikigai:role' AND NOT EXISTS (SELECT FROM pg_auth_members m
           WHERE m.member = r.oid AND m.roleid = (SELECT oid FROM pg_roles WHERE rolname = '${GROUP}'))
     LOOP EXECUTE format('GRANT ${GROUP} TO %I', role); END LOOP;
   END $do$`,
];

/** The comment that marks a role as ours. Only a superuser can write it (COMMENT, "Notes"). */
export const ROLE_MARK = "ikigai:role";

/** Returns a statement that marks a role as ours. */
export function markRole(role: string): string {
  return `COMMENT ON ROLE ${quoteName(role)} IS ${quoteText(ROLE_MARK)}`;
}

/** Returns a statement that drops a role of ours that owns nothing; a role without our mark stays. */
export function dropMarkedRole(role: string): string {
  return whereMarked(role, `DROP ROLE ${quoteName(role)}`);
}

/**
 * Returns a statement that drops a role of ours that owns objects outside of its schema: those are somebody's
 * work and become the owner's. Revokes what the role was granted.
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
 * Returns the condition that the role `r` was left by an interrupted branch: ours, without a schema, owning
 * nothing and granted nothing (pg_shdepend), and not in `needed`, an SQL array.
 */
export function isLeftOver(needed: string): string {
  return `(r.rolname ~ '^(wt|retired)_' AND shobj_description(r.oid, 'pg_authid') = ${quoteText(ROLE_MARK)}
    AND r.rolname <> ALL (${needed})
    AND NOT EXISTS (SELECT FROM pg_namespace WHERE nspname = r.rolname)
    AND NOT EXISTS (SELECT FROM pg_shdepend WHERE refclassid = 'pg_authid'::regclass AND refobjid = r.oid))`;
}

/**
 * Drops roles of ours that an interrupted branch left without a schema, unless they own something.
 *
 * @param needed returns the roles in use; called again before each drop, because a branch's role is created
 * before its schema
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
