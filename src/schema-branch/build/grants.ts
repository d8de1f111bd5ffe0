import { roleFor, type Scope } from "../scope.ts";
import { ident } from "../sql.ts";

/** One privilege in an access list; a null grantee is PUBLIC. */
export interface Privilege {
  readonly grantor: string;
  readonly grantee: string | null;
  readonly privilege: string;
  readonly grantable: boolean;
}

/**
 * Returns an SQL expression that yields an access list as `Privilege[]`, or null for the default. Keeps the
 * list's order, because dumps print it.
 */
export function aclColumn(acl: string): string {
  return `CASE WHEN ${acl} IS NOT NULL THEN (SELECT coalesce(json_agg(json_build_object(
    'grantor', pg_get_userbyid(a.grantor),
    'grantee', CASE WHEN a.grantee <> 0 THEN pg_get_userbyid(a.grantee) END,
    'privilege', a.privilege_type, 'grantable', a.is_grantable)), '[]')
    FROM aclexplode(${acl}) a) END`;
}

/**
 * Returns statements that give `object` (`TABLE s.t`, `ROUTINE s.f(integer)`) exactly these privileges, or
 * those on one `column`. The object's owner must have been set before.
 */
export function grantStatements(
  scope: Scope,
  object: string,
  owner: string,
  acl: readonly Privilege[] | null,
  column?: string,
): string[] {
  if (acl === null) return [];
  const holder = roleFor(scope, owner);
  const statements =
    column === undefined
      ? [`REVOKE ALL ON ${object} FROM PUBLIC`, `REVOKE ALL ON ${object} FROM ${ident(holder)}`]
      : [];
  for (const group of grouped(scope, acl)) {
    const list = group.privileges
      .map((privilege) => (column === undefined ? privilege : `${privilege} (${ident(column)})`))
      .join(", ");
    const grant = `GRANT ${list} ON ${object} TO ${group.grantee}${group.grantable ? " WITH GRANT OPTION" : ""}`;
    // A superuser grants in the owner's name. What other roles granted is granted as these roles.
    if (group.grantor === holder) statements.push(grant);
    else statements.push(`SET ROLE ${ident(group.grantor)}`, grant, "RESET ROLE");
  }
  return statements;
}

interface Group {
  grantor: string;
  grantee: string;
  grantable: boolean;
  privileges: string[];
}

/** Groups privileges that one statement can grant, in the order of the list. */
export function grouped(scope: Scope, acl: readonly Privilege[]): Group[] {
  const groups: Group[] = [];
  for (const entry of acl) {
    const grantor = roleFor(scope, entry.grantor);
    const grantee = entry.grantee === null ? "PUBLIC" : ident(roleFor(scope, entry.grantee));
    const last = groups.find(
      (group) =>
        group.grantor === grantor &&
        group.grantee === grantee &&
        group.grantable === entry.grantable,
    );
    if (last) last.privileges.push(entry.privilege);
    else
      groups.push({ grantor, grantee, grantable: entry.grantable, privileges: [entry.privilege] });
  }
  return groups;
}
