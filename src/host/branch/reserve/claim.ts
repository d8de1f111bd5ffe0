import type pg from "pg";
import { lockable, lockTables } from "../lock.ts";
import { structureHash } from "../source.ts";
import { ident, literal } from "../sql.ts";
import { recorded } from "./keep.ts";
import { readStates } from "./proof.ts";
import { catchUp, type Record, reserveName, unproven } from "./record.ts";

export type Claim =
  | { readonly claimed: true; readonly copied: readonly string[]; readonly milliseconds: number }
  /** Make an ordinary branch instead; nothing has changed. */
  | { readonly claimed: false; readonly reason: string };

const SETTINGS = [
  "session_replication_role = replica",
  "row_security = off",
  "check_function_bodies = off",
  "synchronous_commit = on",
  "statement_timeout = 0",
  "lock_timeout = '100ms'",
  "client_min_messages = warning",
];

/**
 * Makes the base's reserve the branch `target`, if it is proven to be the base as it is now; tables
 * that are not are copied again. One transaction: all of it or nothing. The role `owner` must not
 * exist: the reserve's role is renamed to it, so that nothing needs to change hands. It comes
 * without LOGIN and password, which the caller sets.
 */
export async function claimReserve(
  client: pg.Client,
  options: { base: string; target: string; owner: string; mark: string },
): Promise<Claim> {
  const started = performance.now();
  const reserve = reserveName(options.base);
  try {
    const tables = await lockable(client, options.base);
    await client.query(
      `BEGIN ISOLATION LEVEL REPEATABLE READ; ${SETTINGS.map((each) => `SET LOCAL ${each}`).join("; ")}`,
    );
    // Before the snapshot, which the next query takes: a table rewritten after it would seem empty.
    if (!(await lockTables(client, options.base, [...tables.values()], false)))
      return no("the base is being changed");
    // Keeping and claiming exclude each other; a keeper at work has something better in hand soon.
    const lock = await client.query<{ free: boolean; taken: boolean }>(
      `SELECT pg_try_advisory_xact_lock(hashtextextended($1, 0)) AS free, EXISTS (SELECT FROM pg_roles WHERE rolname = $2) AS taken`,
      [reserve, options.owner],
    );
    if (lock.rows[0]?.taken) return no(`the role ${options.owner} exists already`);
    if (!lock.rows[0]?.free) return no("the reserve is being made");
    const record = await recorded(client, reserve);
    if (!record) return no("there is no reserve");
    if ((await structureHash(client, record.base)) !== record.hash)
      return no("the base's structure has changed");
    const changed = unproven(record, await readStates(client, options.base));
    const plan = catchUp(record, reserve, changed);
    if ("impossible" in plan)
      return no(`triggers, rules or checks would act on rows of ${plan.impossible}`);
    await client.query(`SET LOCAL search_path = ${ident(reserve)}, extensions`);
    for (const sql of plan.sql) await client.query(sql);
    await client.query(handOver(record, reserve, options));
    const copied = changed.map((each) => each.name);
    return { claimed: true, copied, milliseconds: performance.now() - started };
  } catch (error) {
    return no(error instanceof Error ? error.message : String(error));
  } finally {
    await client.query("ROLLBACK").catch(() => undefined);
  }
}

function no(reason: string): Claim {
  return { claimed: false, reason };
}

function handOver(
  record: Record,
  reserve: string,
  options: { target: string; owner: string; mark: string },
): string {
  const texts = record.texts.map((sql) =>
    sql.replaceAll(record.as, options.target).replaceAll(`'${reserve}'`, literal(options.owner)),
  );
  return [
    ...(record.positions === "" ? [] : [record.positions.replaceAll(record.as, reserve)]),
    `ALTER SCHEMA ${ident(reserve)} RENAME TO ${ident(options.target)}`,
    `ALTER ROLE ${ident(reserve)} RENAME TO ${ident(options.owner)}`,
    ...texts,
    `COMMENT ON SCHEMA ${ident(options.target)} IS ${literal(options.mark)}`,
    "COMMIT",
  ].join(";\n");
}
