import type pg from "pg";
import { freshName } from "../inspect/read.ts";
import { close } from "../session.ts";
import { ident, literal } from "../sql.ts";
import {
  createWorker,
  dropRole,
  enter,
  removeWorker,
  unlockWorker,
  type Worker,
} from "../worker.ts";
import { type Record, writeRecord } from "./record.ts";

/** A worker with the reserve's rights, which alone runs what the record says. */
export interface Hand {
  readonly worker: Worker;
  readonly session: Promise<pg.Client>;
}

/** To be called outside a transaction: the worker must be there before it can come in. */
export async function lendHand(
  client: pg.Client,
  base: string,
  reserve: string,
  lockTimeoutMs: number,
): Promise<Hand> {
  const worker = await createWorker(client, freshName("build"), base, { member: reserve });
  const session = enter(client, worker, `${ident(reserve)}, extensions`, lockTimeoutMs);
  // Whoever waits for it is told; until then a failure is nobody's.
  session.catch(() => undefined);
  return { worker, session };
}

/**
 * Runs statements in the snapshot of the client's transaction and commits them. With them what the
 * record says of these tables is taken back, so that, should nothing come after, they are copied
 * again.
 */
export async function catchUpIn(
  client: pg.Client,
  { session }: Hand,
  reserve: string,
  statements: readonly string[],
  record: Record,
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

/** Takes the role away within the client's transaction. */
export function dismissal({ worker }: Hand): string {
  return dropRole(worker.name);
}

/** Ends the session, and removes the role where its dismissal was not committed. */
export async function takeBack(
  client: pg.Client,
  { worker, session }: Hand,
  dismissed: boolean,
): Promise<void> {
  const closed = session.then(close, () => undefined);
  try {
    if (!dismissed) {
      await closed;
      await removeWorker(client, worker.name);
    }
    await unlockWorker(client, worker.name);
  } catch {
    // The server may be what failed; what is left is swept.
  }
}
