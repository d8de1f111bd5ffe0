import { ctidRanges, sequencePositions } from "../copy/rows.ts";
import { describeNotes } from "../notes.ts";
import { RESERVE_MARK } from "../registry.ts";
import type { ReadableRelation } from "../relation.ts";
import { ident } from "../sql.ts";
import type { SchemaModel } from "../types.ts";
import type { Proof, TableState } from "./proof.ts";

/** The beginning of a reserve's comment, followed by its record. */
const RECORD_PREFIX = `${RESERVE_MARK} `;

const VERSION = 3;

/** What a reserve records about its base, in the comment on its schema. */
export interface ReserveRecord {
  readonly base: number;
  readonly hash: string;
  /**
   * The name of the reserve's schema in `copies`, `positions` and `refreshes`. The role that builds could
   * alter these statements, so only a worker runs them.
   */
  readonly as: string;
  readonly proofs: { readonly [table: string]: Proof };
  /**
   * Statements that copy a table's rows again; null if triggers, rules or checks would interfere or the
   * worker lacks the rights.
   */
  readonly copies: { readonly [table: string]: string | null };
  readonly refreshes: readonly { readonly view: string; readonly sql: string | null }[];
  /** Null if a sequence belongs to another role than the base's owner. */
  readonly positions: string | null;
  readonly texts: boolean;
  /** What a branch shares with the base or lacks. */
  readonly note?: string | undefined;
  /** Increased when the format of this record changes. */
  readonly version: typeof VERSION;
}

/** Returns the name of a base's reserve, for its schema and the role that owns it. */
export function reserveName(base: string): string {
  return `ikigai_reserve_${base.replace(/^wt_/, "")}`;
}

/** Makes the record of a reserve that was just built; `states` are from before its snapshot. */
export function recordOf(
  survey: SchemaModel,
  hash: string,
  states: readonly TableState[],
  places: ReadonlyMap<number, ReadableRelation>,
): ReserveRecord {
  const full = ({ oid }: { readonly oid: number }) => places.get(oid)?.full === true;
  const copies = survey.tables.map((table): [string, string | null] => {
    const [whole] = ctidRanges(survey, places, [{ ...table, bytes: 0 }]);
    return [table.name, table.quiet && full(table) && whole ? whole.sql : null];
  });
  const usual = ` OWNER TO ${ident(survey.role)}`;
  const mine = new Set(
    [...survey.early, ...survey.late]
      .filter(({ kind, owner }) => kind === "materialized view" && owner?.[0]?.endsWith(usual))
      .map(({ name }) => name),
  );
  const known = new Set([...survey.tables.map((table) => table.name), ...survey.matviews]);
  return {
    base: survey.oid,
    hash,
    as: survey.as,
    proofs: Object.fromEntries(
      states.filter((each) => known.has(each.name)).map((each) => [each.name, each.state]),
    ),
    copies: Object.fromEntries(copies),
    refreshes: survey.last
      .filter((item) => item.kind === "materialized rows")
      .map((item) => ({ view: item.name, sql: mine.has(item.name) ? item.sql.join(";\n") : null })),
    positions: survey.sequences.every(full) ? sequencePositions(survey, places) : null,
    texts: survey.texts,
    note: describeNotes(survey),
    version: VERSION,
  };
}

/** Parses a reserve's comment; null if it is not a record of this version. */
export function parseRecord(comment: string | null): ReserveRecord | null {
  if (!comment?.startsWith(RECORD_PREFIX)) return null;
  try {
    const record = JSON.parse(comment.slice(RECORD_PREFIX.length)) as ReserveRecord;
    return record.version === VERSION ? record : null;
  } catch {
    return null;
  }
}

/** Returns the comment that holds a record. */
export function writeRecord(record: ReserveRecord): string {
  return RECORD_PREFIX + JSON.stringify(record);
}

/** Explains why a table's rows cannot be updated. */
export function whyImpossible(table: string): string {
  return `triggers, rules, checks or another owner would act on or stop rows of ${table}`;
}

/** Lists tables and materialized views whose rows are not proven to equal the base's. */
export function unproven(record: ReserveRecord, states: readonly TableState[]): TableState[] {
  return states.filter((each) => each.state === null || each.state !== record.proofs[each.name]);
}

const MUCH_BYTES = 20 * 1_048_576;
const MUCH_SHARE = 0.1;

/**
 * Explains why building a new branch is faster than updating these tables, each row of which goes through all
 * indexes; undefined if it is not.
 */
export function tooMuch(
  changed: readonly TableState[],
  all: readonly TableState[],
): string | undefined {
  const sum = (states: readonly TableState[]) =>
    states.reduce((bytes, state) => bytes + state.bytes, 0);
  const most = Math.max(MUCH_BYTES, sum(all) * MUCH_SHARE);
  return sum(changed) > most ? "too much of the base has changed" : undefined;
}

/**
 * Returns statements that update the reserve's rows of these tables, or the table that makes this impossible.
 * A materialized view is refreshed if the base's was.
 *
 * @param emptied tables that may be truncated, because no other tables' foreign keys refer to them;
 * truncating gives them new files
 */
export function catchUp(
  record: ReserveRecord,
  reserve: string,
  changed: readonly TableState[],
  emptied: readonly string[],
): { sql: string[] } | { impossible: string } {
  const sql: string[] = [];
  const tables = changed.filter((table) => table.kind === "r");
  const nameOf = (name: string) => `ONLY "${reserve}"."${name.replaceAll('"', '""')}"`;
  const empty = tables.map(({ name }) => name).filter((name) => emptied.includes(name));
  if (empty.length > 0) sql.push(`TRUNCATE TABLE ${empty.map(nameOf).join(", ")}`);
  for (const each of tables) {
    const copy = record.copies[each.name];
    if (!copy) return { impossible: each.name };
    if (!emptied.includes(each.name)) sql.push(`DELETE FROM ${nameOf(each.name)}`);
    sql.push(copy.replaceAll(record.as, reserve));
  }
  const views = new Set(changed.filter((each) => each.kind === "m").map((each) => each.name));
  for (const each of record.refreshes.filter(({ view }) => views.has(view))) {
    if (each.sql === null) return { impossible: each.view };
    sql.push(each.sql.replaceAll(record.as, reserve));
  }
  return { sql };
}
