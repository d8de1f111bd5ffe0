import { REGISTRY, REGISTRY_STATEMENTS } from "../../schema-branch/registry.ts";
import { quoteText } from "./quote.ts";

/**
 * The role with which the daemon polls the server: it can only read the catalogs and the registry. Everything
 * else runs as the owner. A role with CREATEROLE would be no restriction, as up to PostgreSQL 15 it can grant
 * itself pg_execute_server_program, and a branch needs a superuser.
 */
export const OBSERVER = "ikigai_observer";

/** Returns statements that create the role, set its verifier and grant what it needs to read. Idempotent. */
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
