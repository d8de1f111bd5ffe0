import { ident, qualified } from "./sql.ts";

/** What every reader and builder needs to know of the schema at hand. */
export interface Scope {
  readonly schema: string;
  readonly oid: number;
  /** The name that the schema bears while it is read. */
  readonly as: string;
  readonly owner: string;
  readonly role: string;
}

/** A name of the schema's, qualified. */
export function named(scope: Scope, name: string): string {
  return qualified(scope.as, name);
}

/** The role that stands in the branch where `role` stands in the base. */
export function roleFor(scope: Scope, role: string): string {
  return role === scope.owner ? scope.role : role;
}

/** `ALTER … OWNER TO`. */
export function ownedBy(scope: Scope, object: string, owner: string): string[] {
  return [`ALTER ${object} OWNER TO ${ident(roleFor(scope, owner))}`];
}
