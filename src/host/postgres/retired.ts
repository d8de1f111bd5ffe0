import { retiredName, type SchemaMark, writeMark } from "../../model/schema-mark.ts";
import { schemaOf } from "../../model/slug.ts";
import { dependents, dropEmptySchema, dropSchema } from "../../schema-branch/drop.ts";
import {
  IS_REGISTERED,
  REGISTRY,
  register,
  renameRegistered,
} from "../../schema-branch/registry.ts";
import { codeOf } from "../fs/files.ts";
import { isUnreachable, type Postgres } from "./client.ts";
import { quoteName, quoteText } from "./quote.ts";
import { type KeptClock, keepRetentionClock, readRetentionClock } from "./retention-clock.ts";
import { dropMarkedRole, ROLE_MARK, releaseMarkedRole } from "./roles.ts";
import { listSchemas, roleStatements } from "./schemas.ts";

/** A retired schema, as listed by `ikigai wt restore --list`. */
export interface RetiredSchema {
  readonly schema: string;
  readonly mark: SchemaMark;
  /** By the system clock at that time, for display. */
  readonly removed: Date;
  /** By the retention clock. */
  readonly retired: Date;
  /** Bytes of its tables and indexes. */
  readonly size: number;
}

/**
 * Prefix of a schema that is being dropped: it is never restored, and its drop is finished by the next sweep.
 */
const DROPPING = "dropped_";

/**
 * Retires a schema and its role by renaming both in one transaction, and ends the role's connections. Copies
 * and drops nothing, except that an empty schema is dropped.
 */
export async function retireSchema(
  postgres: Postgres,
  mark: SchemaMark,
  at: Date,
): Promise<"retired" | "dropped"> {
  const aside = retiredName(mark.worktree, at);
  const clock = await keepRetentionClock(postgres);
  await postgres.run(retireStatements(mark, aside, at, clock.at));
  return await settle(postgres, aside);
}

/**
 * Restores a retired schema under a worktree's name. Retires the schema that has this name now, `live`, in
 * the same transaction.
 */
export async function restoreSchema(
  postgres: Postgres,
  aside: string,
  mark: SchemaMark,
  password: string,
  live?: { readonly mark: SchemaMark; readonly at: Date },
): Promise<void> {
  const name = schemaOf(mark.worktree);
  const displaced = live && retiredName(live.mark.worktree, live.at);
  const { retired: _, retiredAt: __, ...present } = mark;
  const clock = await keepRetentionClock(postgres);
  await postgres.run([
    ...(live && displaced ? retireStatements(live.mark, displaced, live.at, clock.at) : []),
    `ALTER SCHEMA ${quoteName(aside)} RENAME TO ${quoteName(name)}`,
    renameRole(aside, name),
    ...(await roleStatements(name, password)),
    register(name, writeMark(present)),
  ]);
  if (displaced) await settle(postgres, displaced);
}

/** Lists everything that can be restored, with sizes, and the retention clock. */
export async function listRetired(postgres: Postgres): Promise<{
  readonly all: RetiredSchema[];
  readonly now: Date;
  readonly clock: KeptClock;
}> {
  const clock = await readRetentionClock(postgres);
  const now = new Date(clock.at);
  const found = (await listSchemas(postgres)).flatMap(({ schema, mark }) => {
    if (mark?.retired === undefined) return [];
    const removed = new Date(mark.retired);
    const age = Math.max(0, clock.clock - removed.getTime());
    const retired = new Date(mark.retiredAt ?? clock.at - age);
    return [{ schema, mark, removed, retired }];
  });
  if (found.length === 0) return { all: [], now, clock };
  const rows = await postgres.read<{ schema: string; bytes: string }>(
    `SELECT n.nspname AS schema, coalesce(sum(pg_total_relation_size(c.oid)), 0)::text AS bytes
       FROM pg_namespace n JOIN pg_class c ON c.relnamespace = n.oid AND c.relkind IN ('r', 'm', 'S')
      WHERE n.nspname = ANY ($1) GROUP BY 1`,
    [found.map(({ schema }) => schema)],
  );
  const sizes = new Map(rows.map(({ schema, bytes }) => [schema, Number(bytes)]));
  return { all: found.map((one) => ({ ...one, size: sizes.get(one.schema) ?? 0 })), now, clock };
}

/**
 * Drops a retired schema for good. Renames it first, so that a half-dropped schema cannot be restored;
 * `sweepDropped` finishes an interrupted drop.
 *
 * @throws Error if objects outside depend on it; nothing is dropped then
 */
export async function dropRetired(postgres: Postgres, schema: string): Promise<void> {
  const client = await postgres.connect();
  try {
    const outside = await dependents(client, schema);
    if (outside.length > 0) {
      throw new Error(
        `${schema} is due to go, but these depend on it and lie outside: ${outside.join(", ")}`,
      );
    }
  } finally {
    await client.end();
  }
  const last = DROPPING + schema.slice(schema.indexOf("_") + 1);
  await postgres.run([...renameRegistered(schema, last), renameRole(schema, last)]);
  await finishDrop(postgres, last);
}

/**
 * Finishes interrupted drops. One that fails does not prevent the others.
 *
 * @returns why drops failed
 */
export async function sweepDropped(postgres: Postgres): Promise<string[]> {
  const rows = await postgres.read<{ name: string }>(
    `SELECT n.nspname AS name FROM pg_namespace n JOIN ${REGISTRY} r ON ${IS_REGISTERED} WHERE n.nspname LIKE $1
      UNION SELECT rolname FROM pg_roles WHERE rolname LIKE $1 AND shobj_description(oid, 'pg_authid') = $2`,
    [`${DROPPING.replace("_", "\\_")}%`, ROLE_MARK],
  );
  const failures: string[] = [];
  for (const { name } of rows) {
    try {
      await finishDrop(postgres, name);
    } catch (error) {
      if (isUnreachable(error)) throw error;
      failures.push(
        `drop schema ${name} failed: ${error instanceof Error ? error.message : error}`,
      );
    }
  }
  return failures;
}

async function finishDrop(postgres: Postgres, name: string): Promise<void> {
  const client = await postgres.connect();
  try {
    await dropSchema(client, name);
    await client.query(releaseMarkedRole(name));
  } finally {
    await client.end();
  }
}

function retireStatements(mark: SchemaMark, aside: string, at: Date, retiredAt: number): string[] {
  const name = schemaOf(mark.worktree);
  const kept = { ...mark, retired: at.toISOString(), retiredAt };
  return [
    // ALTER SCHEMA would, in some versions, wait for sessions that are creating something in the schema.
    `UPDATE pg_catalog.pg_namespace SET nspname = ${quoteText(aside)} WHERE nspname = ${quoteText(name)}`,
    renameRole(name, aside, "NOLOGIN"),
    register(aside, writeMark(kept)),
  ];
}

/** Renames a role if it exists: a user may have dropped it, which must not prevent renaming the data. */
function renameRole(from: string, to: string, option?: "NOLOGIN"): string {
  const rename = `ALTER ROLE ${quoteName(from)} RENAME TO ${quoteName(to)};`;
  const limit = option ? ` ALTER ROLE ${quoteName(to)} ${option};` : "";
  return `DO $do$ BEGIN IF EXISTS (SELECT FROM pg_roles WHERE rolname = ${quoteText(from)}) THEN ${rename}${limit} END IF; END $do$`;
}

/**
 * Ends the role's connections and drops the schema if it is empty. Runs after the renaming, when the role can
 * no longer log in.
 */
async function settle(postgres: Postgres, aside: string): Promise<"retired" | "dropped"> {
  await postgres.run([
    `SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE usename = ${quoteText(aside)} AND pid <> pg_backend_pid()`,
  ]);
  return (await dropIfEmpty(postgres, aside)) ? "dropped" : "retired";
}

/** DROP SCHEMA without CASCADE refuses by itself if anything is inside. */
async function dropIfEmpty(postgres: Postgres, name: string): Promise<boolean> {
  try {
    await postgres.run([
      "SET LOCAL lock_timeout = '1s'",
      dropEmptySchema(name),
      dropMarkedRole(name),
    ]);
    return true;
  } catch (error) {
    // 55P03: another session is about to create something in it.
    if (["2BP01", "55P03"].includes(codeOf(error) ?? "")) return false;
    throw error;
  }
}
