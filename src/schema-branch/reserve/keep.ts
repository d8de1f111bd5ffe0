import type pg from "pg";
import { branchSchema } from "../branch.ts";
import { dropOwnSchema } from "../drop.ts";
import { lockable, lockTables } from "../lock.ts";
import { BUILD_MARK, RESERVE_MARK } from "../registry.ts";
import { close, prepareSession } from "../session.ts";
import { structureHash } from "../source.ts";
import { ident, literal } from "../sql.ts";
import type { Connect } from "../types.ts";
import { dropRole } from "../worker.ts";
import { borrowRole, catchUpIn, dismissal, returnRole, truncatable } from "./catch-up.ts";
import { ensureInspector, type Proof, readProofs, readStates, type TableState } from "./proof.ts";
import {
  catchUp,
  parseRecord,
  type ReserveRecord,
  recordOf,
  reserveName,
  tooMuch,
  unproven,
  whyImpossible,
  writeRecord,
} from "./record.ts";

/** What `keepReserve` did. */
export interface ReserveReport {
  /** `fresh`: nothing to do; `refreshed`: some tables copied again; `built`: built from scratch. */
  readonly state: "fresh" | "refreshed" | "built" | "busy" | "unavailable";
  readonly reserve: string;
  readonly reason?: string;
  /** Copied tables for which later changes cannot be detected. */
  readonly unproven?: readonly string[];
}

const LOCK_TIMEOUT_MS = 2_000;

/**
 * Keeps a finished branch of `base` ready. To be called when the base has been idle: runs VACUUM on its
 * tables (which blocks neither readers nor writers) and copies what has changed.
 *
 * @throws BranchError whatever `branchSchema` refuses
 */
export async function keepReserve(
  connect: Connect,
  base: string,
  options: { signal?: AbortSignal; lockTimeoutMs?: number } = {},
): Promise<ReserveReport> {
  const reserve = reserveName(base);
  const lockTimeoutMs = options.lockTimeoutMs ?? LOCK_TIMEOUT_MS;
  const client = await connect();
  client.on("error", () => undefined);
  try {
    await prepareSession(client, lockTimeoutMs);
    await client.query("SET synchronous_commit = on");
    const lock = await client.query<{ free: boolean }>(
      "SELECT pg_try_advisory_lock(hashtextextended($1, 0)) AS free",
      [reserve],
    );
    if (!lock.rows[0]?.free) return { state: "busy", reserve, reason: "it is being kept already" };
    try {
      await ensureInspector(client);
    } catch (error) {
      const reason = error instanceof Error ? error.message : String(error);
      return { state: "unavailable", reserve, reason };
    }
    const record = await readRecord(client, reserve);
    const result = record
      ? await refresh(client, base, reserve, record, lockTimeoutMs)
      : { no: "there was no reserve" };
    if ("state" in result) return { ...result, reserve };
    const unproven = await rebuild(connect, client, base, reserve, options);
    return { state: "built", reserve, reason: result.no, ...unproven };
  } finally {
    await close(client);
  }
}

/** Reads a reserve's record; null if there is no reserve, or its record has another format. */
export async function readRecord(
  client: pg.Client,
  reserve: string,
): Promise<ReserveRecord | null> {
  const { rows } = await client.query<{ comment: string | null }>(
    "SELECT obj_description(oid, 'pg_namespace') AS comment FROM pg_namespace WHERE nspname = $1",
    [reserve],
  );
  return parseRecord(rows[0]?.comment ?? null);
}

/** Copies changed tables again, or returns why that is not possible. */
async function refresh(
  client: pg.Client,
  base: string,
  reserve: string,
  record: ReserveRecord,
  lockTimeoutMs: number,
): Promise<Pick<ReserveReport, "state" | "unproven"> | { no: string }> {
  const restructured = { no: "the base's structure has changed" };
  if ((await structureHash(client, record.base)) !== record.hash) return restructured;
  const states = await readStates(client, base);
  const before = unproven(record, states);
  // Unlogged tables prove nothing; they are copied when the reserve is claimed.
  const worth = before.filter((each) => each.state !== null);
  if (worth.length === 0) return { state: "fresh" };
  const much = tooMuch(worth, states);
  if (much !== undefined) return { no: much };
  const proven = await prove(
    client,
    base,
    worth.map((each) => each.name),
  );
  const proofs = new Map(proven.map((each) => [each.name, each.state]));
  const tables = await lockable(client, base);
  let refreshed = false;
  const borrowed = await borrowRole(client, base, reserve, lockTimeoutMs);
  await client.query("BEGIN ISOLATION LEVEL REPEATABLE READ");
  try {
    await lockTables(client, base, [...tables.values()]);
    const names = worth.map((each) => each.name);
    const emptied = await truncatable(client, reserve, names);
    const plan = catchUp(record, reserve, worth, emptied);
    if ("impossible" in plan) return { no: whyImpossible(plan.impossible) };
    await catchUpIn(client, borrowed, reserve, plan.sql, record, names);
    if ((await structureHash(client, record.base)) !== record.hash) return restructured;
    const next = Object.fromEntries(
      worth.map((each) => [each.name, proofs.get(each.name) ?? null]),
    );
    const mark = writeRecord({ ...record, proofs: { ...record.proofs, ...next } });
    await client.query(
      `COMMENT ON SCHEMA ${ident(reserve)} IS ${literal(mark)}; ${dismissal(borrowed)}; COMMIT`,
    );
    refreshed = true;
    return { state: "refreshed", ...unprovenOf(names, proofs) };
  } catch (error) {
    return { no: error instanceof Error ? error.message : String(error) };
  } finally {
    await client.query("ROLLBACK").catch(() => undefined);
    await returnRole(client, borrowed, refreshed);
  }
}

async function rebuild(
  connect: Connect,
  client: pg.Client,
  base: string,
  reserve: string,
  options: { signal?: AbortSignal; lockTimeoutMs?: number },
): Promise<Pick<ReserveReport, "unproven">> {
  await dropReserve(client, base);
  const role = ident(reserve);
  await client.query(
    `CREATE ROLE ${role} NOLOGIN; COMMENT ON ROLE ${role} IS ${literal(BUILD_MARK)}`,
  );
  try {
    const names = (await readStates(client, base)).map((each) => each.name);
    // Before the snapshot: later changes are then detected, whether the copy includes them or not.
    const states = await prove(client, base, names);
    await branchSchema(connect, {
      base,
      target: reserve,
      owner: reserve,
      mode: "data",
      mark: RESERVE_MARK,
      comment: (survey, hash, places) => writeRecord(recordOf(survey, hash, states, places)),
      ...options,
    });
    return unprovenOf(names, new Map(states.map((each) => [each.name, each.state])));
  } catch (error) {
    // If the connection was lost, the next sweep removes the role.
    await client.query(dropRole(reserve)).catch(() => undefined);
    throw error;
  }
}

function unprovenOf(
  names: readonly string[],
  proofs: ReadonlyMap<string, Proof>,
): Pick<ReserveReport, "unproven"> {
  const unproven = names.filter((name) => !proofs.get(name));
  return unproven.length > 0 ? { unproven } : {};
}

/**
 * Drops a base's reserve and its role.
 *
 * @throws BranchError for a schema of that name that is not ours, which stays
 */
export async function dropReserve(client: pg.Client, base: string): Promise<void> {
  const reserve = reserveName(base);
  await dropOwnSchema(client, reserve);
  await client.query(dropRole(reserve));
}

/**
 * Makes every page of these tables all-visible, if possible, and returns the states of all tables. Tries once
 * more for the rest, because VACUUM skips pages that are in use.
 */
async function prove(
  client: pg.Client,
  base: string,
  names: readonly string[],
): Promise<TableState[]> {
  let left = names;
  for (let attempt = 1; ; attempt++) {
    await vacuum(client, base, left);
    const states = await readProofs(client, base);
    const unproven = new Set(states.filter(({ state }) => state === null).map(({ name }) => name));
    left = names.filter((name) => unproven.has(name));
    if (left.length === 0 || attempt === ATTEMPTS) return states;
  }
}

const ATTEMPTS = 2;

async function vacuum(client: pg.Client, base: string, names: readonly string[]): Promise<void> {
  if (names.length === 0) return;
  const list = names.map((name) => `${ident(base)}.${ident(name)}`).join(", ");
  // VACUUM does not mark a page all-visible while a writer's commit may not be flushed yet; this commit
  // flushes it, with all before it. A commit without any WAL record would not.
  await client.query("SELECT pg_logical_emit_message(true, 'ikigai', '')");
  // TRUNCATE would need a lock that blocks readers. Without INDEX_CLEANUP, VACUUM skips the indexes if few
  // pages have dead rows, and these pages do not become all-visible.
  await client.query(`VACUUM (SKIP_LOCKED, TRUNCATE false, INDEX_CLEANUP ON) ${list}`);
}
