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

export interface ReserveReport {
  /** `fresh`: nothing was to do; `refreshed`: some tables copied again; `built`: all new. */
  readonly state: "fresh" | "refreshed" | "built" | "busy" | "unavailable";
  readonly reserve: string;
  readonly reason?: string;
  /** Tables that were copied and of which it cannot be told whether they change from now on. */
  readonly unproven?: readonly string[];
}

const LOCK_TIMEOUT_MS = 2_000;

/**
 * Sees to it that a finished branch of `base` lies ready. To be called when the base has been
 * idle: it runs VACUUM on the base's tables (which blocks neither readers nor writers) and copies
 * what has changed. What branchSchema refuses throws its BranchError here.
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

/** Copies again what has changed, or says what stands in the way. */
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
  const hand = await borrowRole(client, base, reserve, lockTimeoutMs);
  await client.query("BEGIN ISOLATION LEVEL REPEATABLE READ");
  try {
    await lockTables(client, base, [...tables.values()]);
    const names = worth.map((each) => each.name);
    const emptied = await truncatable(client, reserve, names);
    const plan = catchUp(record, reserve, worth, emptied);
    if ("impossible" in plan) return { no: whyImpossible(plan.impossible) };
    await catchUpIn(client, hand, reserve, plan.sql, record, names);
    if ((await structureHash(client, record.base)) !== record.hash) return restructured;
    const next = Object.fromEntries(
      worth.map((each) => [each.name, proofs.get(each.name) ?? null]),
    );
    const mark = writeRecord({ ...record, proofs: { ...record.proofs, ...next } });
    await client.query(
      `COMMENT ON SCHEMA ${ident(reserve)} IS ${literal(mark)}; ${dismissal(hand)}; COMMIT`,
    );
    refreshed = true;
    return { state: "refreshed", ...unprovenOf(names, proofs) };
  } catch (error) {
    return { no: error instanceof Error ? error.message : String(error) };
  } finally {
    await client.query("ROLLBACK").catch(() => undefined);
    await returnRole(client, hand, refreshed);
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
    // Before the snapshot: what changes from here on shows, whether the copy has it or not.
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
    // Left where the connection is what was lost; the next sweep finds it.
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

/** Removes a base's reserve and its role. What merely bears the name stays, and is an error. */
export async function dropReserve(client: pg.Client, base: string): Promise<void> {
  const reserve = reserveName(base);
  await dropOwnSchema(client, reserve);
  await client.query(dropRole(reserve));
}

/**
 * Has every page of these tables be visible to all, where that can be, and answers the states of all tables. Once
 * more where it was not: VACUUM passes over a page that is in use at this moment.
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
  // VACUUM takes no page for visible to all whose writer's commit may not be on disk yet; this
  // commit puts it there, with all before it. One that had nothing for the log would not.
  await client.query("SELECT pg_logical_emit_message(true, 'ikigai', '')");
  // TRUNCATE would need a lock that stops readers. Without INDEX_CLEANUP the indexes are left out where few pages
  // hold dead rows, and these pages stay visible to not all.
  await client.query(`VACUUM (SKIP_LOCKED, TRUNCATE false, INDEX_CLEANUP ON) ${list}`);
}
