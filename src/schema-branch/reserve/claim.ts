import type pg from "pg";
import { renameTexts } from "../build-schema.ts";
import { lockable, lockTables } from "../lock.ts";
import { register } from "../registry.ts";
import { structureHash } from "../source.ts";
import { ident, literal } from "../sql.ts";
import {
  type BorrowedRole,
  borrowRole,
  catchUpIn,
  dismissal,
  returnRole,
  truncatable,
} from "./catch-up.ts";
import { readRecord } from "./keep.ts";
import { readStates } from "./proof.ts";
import {
  catchUp,
  type ReserveRecord,
  reserveName,
  tooMuch,
  unproven,
  whyImpossible,
} from "./record.ts";

/** The result of an attempt to claim a reserve. */
export type Claim =
  | {
      readonly claimed: true;
      readonly copied: readonly string[];
      readonly milliseconds: number;
      /** What the branch shares with its base or lacks. */
      readonly note?: string | undefined;
    }
  /** Build an ordinary branch instead; nothing has changed. */
  | { readonly claimed: false; readonly reason: string };

const LOCK_TIMEOUT_MS = 100;
const SETTINGS = [
  "synchronous_commit = on",
  "statement_timeout = 0",
  `lock_timeout = '${LOCK_TIMEOUT_MS}ms'`,
  "client_min_messages = warning",
];

/**
 * Turns the base's reserve into the branch `target`, if it is proven to equal the base as it is now; copies
 * unproven tables again. One transaction: all or nothing. The role `owner` must not exist, because the
 * reserve's role is renamed to it, so that no object changes its owner. It has neither LOGIN nor a password;
 * the caller sets both.
 */
export async function claimReserve(
  client: pg.Client,
  options: { base: string; target: string; owner: string; mark: string },
): Promise<Claim> {
  const started = performance.now();
  const reserve = reserveName(options.base);
  let borrowed: BorrowedRole | undefined;
  let claimed = false;
  try {
    if (!(await readRecord(client, reserve))) return no("there is no reserve");
    borrowed = await borrowRole(client, options.base, reserve, LOCK_TIMEOUT_MS);
    const tables = await lockable(client, options.base);
    await client.query(
      `BEGIN ISOLATION LEVEL REPEATABLE READ; ${SETTINGS.map((each) => `SET LOCAL ${each}`).join("; ")}`,
    );
    // Before the snapshot, which the next query takes: a table rewritten afterwards would seem empty.
    if (!(await lockTables(client, options.base, [...tables.values()], false)))
      return no("the base is being changed");
    // Refilling and claiming exclude each other. If a refill is running, a newer reserve is ready soon.
    const lock = await client.query<{ free: boolean; taken: boolean }>(
      `SELECT pg_try_advisory_xact_lock(hashtextextended($1, 0)) AS free, EXISTS (SELECT FROM pg_roles WHERE rolname = $2) AS taken`,
      [reserve, options.owner],
    );
    if (lock.rows[0]?.taken) return no(`the role ${options.owner} exists already`);
    if (!lock.rows[0]?.free) return no("the reserve is being made");
    const record = await readRecord(client, reserve);
    if (!record) return no("there is no reserve");
    if ((await structureHash(client, record.base)) !== record.hash)
      return no("the base's structure has changed");
    const states = await readStates(client, options.base);
    const changed = unproven(record, states);
    const much = tooMuch(changed, states);
    if (much !== undefined) return no(much);
    const copied = changed.map((each) => each.name);
    const emptied = await truncatable(client, reserve, copied);
    const plan = catchUp(record, reserve, changed, emptied);
    if ("impossible" in plan) return no(whyImpossible(plan.impossible));
    if (record.positions === null) return no("a sequence belongs to another role");
    const positions = record.positions.replaceAll(record.as, reserve);
    const statements = [...plan.sql, ...(positions === "" ? [] : [positions])];
    await catchUpIn(client, borrowed, reserve, statements, record, copied);
    await client.query(handOver(record, reserve, options, dismissal(borrowed)));
    claimed = true;
    const milliseconds = performance.now() - started;
    return { claimed: true, copied, milliseconds, note: record.note };
  } catch (error) {
    return no(error instanceof Error ? error.message : String(error));
  } finally {
    await client.query("ROLLBACK").catch(() => undefined);
    if (borrowed) await returnRole(client, borrowed, claimed);
  }
}

function no(reason: string): Claim {
  return { claimed: false, reason };
}

function handOver(
  record: ReserveRecord,
  reserve: string,
  options: { target: string; owner: string; mark: string },
  dismissal: string,
): string {
  const target = ident(options.target);
  const role = `array_replace(proconfig, ${literal(`role=${reserve}`)}, ${literal(`role=${options.owner}`)})`;
  const texts = [
    `UPDATE pg_catalog.pg_proc SET proconfig = ${role} WHERE pronamespace = ${literal(target)}::regnamespace AND proconfig IS NOT NULL`,
    renameTexts(options.target, reserve, options.target),
  ];
  return [
    `ALTER SCHEMA ${ident(reserve)} RENAME TO ${target}`,
    `ALTER ROLE ${ident(reserve)} RENAME TO ${ident(options.owner)}`,
    ...(record.texts ? texts : []),
    register(options.target, options.mark),
    `COMMENT ON SCHEMA ${target} IS NULL`,
    dismissal,
    "COMMIT",
  ].join(";\n");
}
