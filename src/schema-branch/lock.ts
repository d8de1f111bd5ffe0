import type pg from "pg";
import { BranchError, sqlState } from "./errors.ts";
import { ident } from "./sql.ts";

/** Lists the tables of a schema that LOCK TABLE can lock, by OID. */
export async function lockable(client: pg.Client, schema: string): Promise<Map<number, string>> {
  const { rows } = await client.query<{ oid: number; name: string }>(
    `SELECT c.oid::int8::float8 AS oid, c.relname AS name FROM pg_namespace n
       JOIN pg_depend d ON d.refclassid = 'pg_namespace'::regclass AND d.refobjid = n.oid AND d.classid = 'pg_class'::regclass
       JOIN pg_class c ON c.oid = d.objid
      WHERE n.nspname = $1 AND c.relkind IN ('r', 'p') ORDER BY c.oid`,
    [schema],
  );
  return new Map(rows.map((row) => [row.oid, row.name]));
}

/**
 * Locks tables against changes of their definition until the transaction ends; readers and writers are not
 * blocked. With `wait: false` returns false instead of waiting for a lock.
 */
export async function lockTables(
  client: pg.Client,
  schema: string,
  names: readonly string[],
  wait = true,
): Promise<boolean> {
  if (names.length === 0) return true;
  const list = names.map((name) => `ONLY ${ident(schema)}.${ident(name)}`).join(", ");
  try {
    await client.query(`LOCK TABLE ${list} IN ACCESS SHARE MODE${wait ? "" : " NOWAIT"}`);
    return true;
  } catch (error) {
    if (sqlState(error) !== "55P03" || wait) throw error;
    return false;
  }
}

/** Turns a lock timeout into an error that names the sessions that hold the lock. */
export async function explainLock(
  client: pg.Client,
  schema: string,
  error: unknown,
): Promise<unknown> {
  const state = sqlState(error);
  const text = error instanceof Error ? error.message : "";
  // The functions that write definitions may no longer find what the snapshot still shows.
  const gone = /cache lookup failed|could not open relation with OID/.test(text);
  if (gone || state === "42P01" || state === "42704")
    return new BranchError("changed", `The structure of ${schema} changed while it was read.`, {
      next: "ikigai db branch",
      retryable: true,
      cause: error,
    });
  if (state !== "55P03") return error;
  const { rows } = await client.query<{ who: string }>(
    `SELECT DISTINCT c.relname || ' is locked by process ' || l.pid || ' (' || coalesce(nullif(a.application_name, ''), 'unnamed')
        || ', role ' || coalesce(a.usename, '?') || ', for ' || date_trunc('second', now() - a.xact_start) || ', ' || a.state || '): '
        || left(regexp_replace(coalesce(a.query, ''), '\\s+', ' ', 'g'), 120) AS who
       FROM pg_locks l JOIN pg_class c ON c.oid = l.relation JOIN pg_namespace n ON n.oid = c.relnamespace
       JOIN pg_stat_activity a ON a.pid = l.pid
      WHERE n.nspname = $1 AND l.mode = 'AccessExclusiveLock' AND c.relkind IN ('r', 'p', 'v', 'm') AND l.pid <> pg_backend_pid()`,
    [schema],
  );
  const holders = rows.map((row) => row.who).join("; ");
  return new BranchError(
    "busy",
    `${schema} cannot be read now: ${holders || "a lock on it did not come in time"}`,
    {
      next: "wait until it has ended, then: ikigai db branch",
      retryable: true,
      cause: error,
    },
  );
}
