import type pg from "pg";
import { freshName } from "../inspect/read.ts";
import { close } from "../session.ts";
import { ident, literal } from "../sql.ts";
import {
  type BuildRole,
  connectAs,
  createBuildRole,
  dropRole,
  removeBuildRole,
  unlockWorker,
} from "../worker.ts";
import { type ReserveRecord, writeRecord } from "./record.ts";

/** A worker with the reserve's rights; only it runs the statements in the record. */
export interface BorrowedRole {
  readonly worker: BuildRole;
  readonly session: Promise<pg.Client>;
}

/**
 * Creates such a worker. Must be called outside of a transaction, because the worker can connect only after
 * its role is committed.
 */
export async function borrowRole(
  client: pg.Client,
  base: string,
  reserve: string,
  lockTimeoutMs: number,
): Promise<BorrowedRole> {
  const worker = await createBuildRole(client, freshName("build"), base, { member: reserve });
  const session = connectAs(client, worker, `${ident(reserve)}, extensions`, lockTimeoutMs);
  // Callers that await the session get the error; this only prevents an unhandled rejection.
  session.catch(() => undefined);
  return { worker, session };
}

/**
 * Runs statements in the snapshot of the client's transaction and commits them. In the same transaction marks
 * these tables unproven, so that a crash afterwards makes the next run copy them again.
 */
export async function catchUpIn(
  client: pg.Client,
  { session }: BorrowedRole,
  reserve: string,
  statements: readonly string[],
  record: ReserveRecord,
  changed: readonly string[],
): Promise<void> {
  if (statements.length === 0) return;
  const { rows } = await client.query<{ snapshot: string }>(
    "SELECT pg_export_snapshot() AS snapshot",
  );
  const proofs = { ...record.proofs, ...Object.fromEntries(changed.map((name) => [name, null])) };
  const unproven = `COMMENT ON SCHEMA ${ident(reserve)} IS ${literal(writeRecord({ ...record, proofs }))}`;
  await (await session).query(
    [
      "BEGIN ISOLATION LEVEL REPEATABLE READ",
      `SET TRANSACTION SNAPSHOT ${literal(rows[0]?.snapshot ?? "")}`,
      ...statements,
      ...(changed.length > 0 ? [unproven] : []),
      "COMMIT",
    ].join(";\n"),
  );
}

/**
 * Finds the tables of a reserve that may be truncated together, because no other table's foreign keys refer
 * to them. TRUNCATE, unlike DELETE, leaves no dead rows.
 */
export async function truncatable(
  client: pg.Client,
  reserve: string,
  changed: readonly string[],
): Promise<string[]> {
  const { rows } = await client.query<{ name: string; by: string | null }>(
    `SELECT t.relname AS name, CASE WHEN r.relnamespace = t.relnamespace THEN r.relname END AS by
       FROM pg_constraint k JOIN pg_class t ON t.oid = k.confrelid JOIN pg_class r ON r.oid = k.conrelid
       JOIN pg_namespace n ON n.oid = t.relnamespace
      WHERE k.contype = 'f' AND n.nspname = $1`,
    [reserve],
  );
  const left = new Set(changed);
  for (let before = -1; before !== left.size; ) {
    before = left.size;
    for (const { name, by } of rows) if (by === null || !left.has(by)) left.delete(name);
  }
  return [...left];
}

/** Returns a statement that drops the role within the client's transaction. */
export function dismissal({ worker }: BorrowedRole): string {
  return dropRole(worker.name);
}

/** Ends the session, and removes the role unless `dismissal` was committed. */
export async function returnRole(
  client: pg.Client,
  { worker, session }: BorrowedRole,
  dismissed: boolean,
): Promise<void> {
  const closed = session.then(close, () => undefined);
  try {
    if (!dismissed) {
      await closed;
      await removeBuildRole(client, worker.name);
    }
    await unlockWorker(client, worker.name);
  } catch {
    // The server itself may have failed; what is left is swept later.
  }
}
