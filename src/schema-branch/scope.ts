import { ident, qualified } from "./sql.ts";

/** What all readers and builders need to know about the schema. */
export interface Scope {
  readonly schema: string;
  readonly oid: number;
  /** The name that the schema has while it is read. */
  readonly as: string;
  readonly owner: string;
  readonly role: string;
}

/** Qualifies a name with the schema. */
export function named(scope: Scope, name: string): string {
  return qualified(scope.as, name);
}

/** Returns the role in the branch that takes the place of `role` in the base. */
export function roleFor(scope: Scope, role: string): string {
  return role === scope.owner ? scope.role : role;
}

/** Returns an `ALTER … OWNER TO` statement. */
export function ownedBy(scope: Scope, object: string, owner: string): string[] {
  return [`ALTER ${object} OWNER TO ${ident(roleFor(scope, owner))}`];
}
