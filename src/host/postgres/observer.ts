import { REGISTRY, REGISTRY_STATEMENTS } from "../../schema-branch/registry.ts";
import { quoteText } from "./quote.ts";

/**
 * The role by which the daemon looks at the server: all that it asks again and again runs with no
 * rights but to read the catalogs and the registry. A right to create roles would not narrow the rest:
 * up to PostgreSQL 15 CREATEROLE may grant itself pg_execute_server_program, and a branch needs a superuser.
 */
export const OBSERVER = "ikigai_observer";

/** Statements that make the role, give it this verifier, and let it read what it needs. Idempotent. */
export function observerStatements(verifier: string): string[] {
  return [
    ...REGISTRY_STATEMENTS,
    `DO $do$ BEGIN IF NOT EXISTS (SELECT FROM pg_roles WHERE rolname = '${OBSERVER}') THEN CREATE ROLE ${OBSERVER}; END IF; END $do$`,
    `ALTER ROLE ${OBSERVER} LOGIN NOSUPERUSER NOCREATEDB NOCREATEROLE NOREPLICATION NOBYPASSRLS PASSWORD ${quoteText(verifier)}`,
    `ALTER ROLE ${OBSERVER} SET default_transaction_read_only = on`,
    `ALTER ROLE ${OBSERVER} SET search_path = pg_catalog`,
    `GRANT pg_read_all_settings TO ${OBSERVER}`,
    `GRANT USAGE ON SCHEMA ${REGISTRY.split(".")[0]} TO ${OBSERVER}`,
    `GRANT SELECT ON ${REGISTRY} TO ${OBSERVER}`,
  ];
}
