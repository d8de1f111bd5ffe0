import type pg from "pg";

/**
 * Session settings under which definitions are unambiguous and rows are copied unchanged. In replica mode
 * foreign keys and triggers do not act; text output of every type is exact. Commits are asynchronous except
 * the last one, which also flushes all earlier ones.
 */
const SETTINGS: Readonly<Record<string, string>> = {
  application_name: "ikigai branch",
  session_replication_role: "replica",
  row_security: "off",
  check_function_bodies: "off",
  synchronous_commit: "off",
  default_tablespace: "",
  default_table_access_method: "heap",
  synchronize_seqscans: "off",
  statement_timeout: "0",
  idle_in_transaction_session_timeout: "0",
  client_min_messages: "warning",
  DateStyle: "ISO",
  IntervalStyle: "postgres",
  extra_float_digits: "1",
  bytea_output: "hex",
  xmloption: "content",
  quote_all_identifiers: "off",
  standard_conforming_strings: "on",
  maintenance_work_mem: "128MB",
  max_parallel_maintenance_workers: "0",
  jit: "off",
  client_connection_check_interval: "1s",
};

/**
 * Prepares a connection for reading or building.
 *
 * @param lockTimeoutMs limits each wait for a lock
 * @param path the search path of a worker's session, whose role already sets replica mode
 */
export async function prepareSession(
  client: pg.Client,
  lockTimeoutMs: number,
  path?: string,
): Promise<void> {
  const { session_replication_role, ...common } = SETTINGS;
  const settings = {
    ...common,
    lock_timeout: `${Math.max(1, Math.round(lockTimeoutMs))}ms`,
    // A worker's replica mode is set with its role, and its path names the schema it builds.
    ...(path === undefined ? { session_replication_role } : { search_path: path }),
  };
  await client.query(
    "SELECT set_config(k, v, false) FROM unnest($1::text[], $2::text[]) AS s(k, v)",
    [Object.keys(settings), Object.values(settings)],
  );
}

/** Ends a connection in any state; what it was doing is rolled back. */
export async function close(client: pg.Client | undefined): Promise<void> {
  await client?.end().catch(() => undefined);
}
