import { ctidRanges, sequencePositions } from "../copy/rows.ts";
import { describeNotes } from "../notes.ts";
import { RESERVE_MARK } from "../registry.ts";
import type { ReadableRelation } from "../relation.ts";
import { ident } from "../sql.ts";
import type { SchemaModel } from "../types.ts";
import type { Proof, TableState } from "./proof.ts";

/** A reserve's comment begins with this; what follows is its record. */
const RECORD_PREFIX = `${RESERVE_MARK} `;

const VERSION = 3;

/** What a reserve remembers of its base, kept in the reserve's comment. */
export interface ReserveRecord {
  readonly base: number;
  readonly hash: string;
  /**
   * The name that `copies`, `positions` and `refreshes` use for the reserve's schema. Whoever builds
   * could write into them, so that only a worker runs them.
   */
  readonly as: string;
  readonly proofs: { readonly [table: string]: Proof };
  /** Statements that copy a table's rows again; null where something would act on or stop them, or the worker may not. */
  readonly copies: { readonly [table: string]: string | null };
  readonly refreshes: readonly { readonly view: string; readonly sql: string | null }[];
  /** Null where a sequence is another's than the base's owner's. */
  readonly positions: string | null;
  readonly texts: boolean;
  /** What a branch shares with the base or lacks. */
  readonly note?: string | undefined;
  /** Changes with the shape of this. */
  readonly version: typeof VERSION;
}

/** The name of a base's reserve: of its schema, and of the role that owns it. */
export function reserveName(base: string): string {
  return `ikigai_reserve_${base.replace(/^wt_/, "")}`;
}

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

export function parseRecord(comment: string | null): ReserveRecord | null {
  if (!comment?.startsWith(RECORD_PREFIX)) return null;
  try {
    const record = JSON.parse(comment.slice(RECORD_PREFIX.length)) as ReserveRecord;
    return record.version === VERSION ? record : null;
  } catch {
    return null;
  }
}

export function writeRecord(record: ReserveRecord): string {
  return RECORD_PREFIX + JSON.stringify(record);
}

/** Why a table's rows cannot be brought in line. */
export function whyImpossible(table: string): string {
  return `triggers, rules, checks or another owner would act on or stop rows of ${table}`;
}

/** Tables and materialized views whose rows are not proven to be the base's. */
export function unproven(record: ReserveRecord, states: readonly TableState[]): TableState[] {
  return states.filter((each) => each.state === null || each.state !== record.proofs[each.name]);
}

const MUCH_BYTES = 20 * 1_048_576;
const MUCH_SHARE = 0.1;

/**
 * Why a new branch is quicker than to bring these tables in line, each row of which goes through all indexes;
 * undefined where it is not.
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
 * Statements that bring the reserve's rows of these tables in line, or the table that only a new
 * branch can. A materialized view is filled anew where the base's was.
 *
 * @param emptied tables that may be truncated, as nobody else's keys refer to them: their files begin anew
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
