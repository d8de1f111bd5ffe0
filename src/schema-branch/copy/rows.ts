import type pg from "pg";
import { BranchError } from "../errors.ts";
import type { ReadableRelation } from "../relation.ts";
import { ident, literal, qualified } from "../sql.ts";
import type { CopyTable, SchemaModel } from "../types.ts";
import { PROXY_CTID } from "../worker.ts";

/** Large tables are copied in ranges of this many pages (16 MB), so that two sessions can share one. */
const STRETCH = 2048;
const PAGE = 8192;

/** A range of rows copied by one statement. */
export interface CtidRange {
  readonly sql: string;
  readonly bytes: number;
}

/** Splits the copy into ranges, largest tables first. */
export function ctidRanges(
  survey: SchemaModel,
  places: ReadonlyMap<number, ReadableRelation>,
  tables: readonly CopyTable[],
): CtidRange[] {
  return [...tables]
    .sort((a, b) => b.bytes - a.bytes)
    .flatMap((table) => {
      const place = placeOf(places, table.oid, survey);
      const insert = insertSelect(survey, place.from, table);
      const count = Math.ceil(table.bytes / PAGE / STRETCH);
      if (count <= 1) return [{ sql: insert, bytes: table.bytes }];
      return Array.from({ length: count }, (_, at) => ({
        sql: `${insert} WHERE ${range(place.own ? "ctid" : PROXY_CTID, at, count)}`,
        bytes: Math.round(table.bytes / count),
      }));
    });
}

function placeOf(
  places: ReadonlyMap<number, ReadableRelation>,
  oid: number,
  { schema }: SchemaModel,
): ReadableRelation {
  const place = places.get(oid);
  if (place) return place;
  throw new BranchError("changed", `The structure of ${schema} changed while it was read.`, {
    next: "ikigai db branch",
    retryable: true,
  });
}

function range(ctid: string, at: number, count: number): string {
  const from = `${ctid} >= '(${at * STRETCH},0)'::pg_catalog.tid`;
  const to = `${ctid} < '(${(at + 1) * STRETCH},0)'::pg_catalog.tid`;
  // The last range is open: the size includes TOAST, and the heap may have grown.
  return at === count - 1 ? from : `${from} AND ${to}`;
}

function insertSelect(survey: SchemaModel, from: string, table: CopyTable): string {
  const target = qualified(survey.as, table.name);
  const columns = table.columns.map((column) => ident(column.name)).join(", ");
  const values = table.columns.map((column) => column.value).join(", ");
  const list = columns === "" ? "" : ` (${columns})`;
  const overriding = table.identity ? " OVERRIDING SYSTEM VALUE" : "";
  return `INSERT INTO ${target}${list}${overriding} SELECT ${values} FROM ONLY ${from}`;
}

/**
 * Returns a statement that sets every sequence to the base's position, without the numbers leaving the
 * server. Must run after the snapshot was taken: positions are not part of snapshots, and must not be behind
 * any row in it.
 */
export function sequencePositions(
  survey: SchemaModel,
  places: ReadonlyMap<number, ReadableRelation>,
): string {
  return survey.sequences
    .map(({ oid, name }) => {
      const { from } = placeOf(places, oid, survey);
      const target = literal(qualified(survey.as, name));
      return `SELECT pg_catalog.setval(${target}::regclass, last_value, is_called) FROM ${from}`;
    })
    .join(";\n");
}

/** Runs tasks from one queue on several connections until it is empty or a task fails. */
export async function runParallel<T>(
  clients: readonly pg.Client[],
  tasks: readonly T[],
  run: (client: pg.Client, task: T) => Promise<void>,
): Promise<void> {
  const queue = [...tasks];
  let failed = false;
  const results = await Promise.allSettled(
    clients.map(async (client) => {
      for (let task = queue.shift(); task !== undefined && !failed; task = queue.shift())
        await run(client, task).catch((error: unknown) => {
          failed = true;
          throw error;
        });
    }),
  );
  const failure = results.find((result) => result.status === "rejected");
  if (failure) throw failure.reason;
}
