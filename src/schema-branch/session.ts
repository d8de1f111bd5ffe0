import type pg from "pg";

/**
 * Settings under which definitions mean what they say and rows are copied as they are.
 * Replica mode keeps foreign keys and triggers from acting; text of every type is exact.
 * Commits need not reach the disk one by one: the last one is, and takes all before it along.
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

/** Prepares a connection for reading or building; `lockTimeoutMs` limits each wait for a lock. */
export async function prepareSession(
  client: pg.Client,
  lockTimeoutMs: number,
  path?: string,
): Promise<void> {
  const { session_replication_role, ...common } = SETTINGS;
  const settings = {
    ...common,
    lock_timeout: `${Math.max(1, Math.round(lockTimeoutMs))}ms`,
    // A worker's comes with its role, and its path names what it builds.
    ...(path === undefined ? { session_replication_role } : { search_path: path }),
  };
  await client.query(
    "SELECT set_config(k, v, false) FROM unnest($1::text[], $2::text[]) AS s(k, v)",
    [Object.keys(settings), Object.values(settings)],
  );
}

/** Ends a connection whatever its state; what it was doing is rolled back. */
export async function close(client: pg.Client | undefined): Promise<void> {
  await client?.end().catch(() => undefined);
}
