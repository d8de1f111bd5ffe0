import { sequencePositions, stretches } from "../copy/rows.ts";
import type { Survey } from "../types.ts";
import type { Proof, TableState } from "./proof.ts";

/** A reserve's comment begins with this; what follows is its record. */
const RESERVE_MARK = "ikigai:reserve ";

/** What a reserve remembers of its base, kept in the reserve's comment. */
export interface Record {
  readonly base: number;
  readonly hash: string;
  /** The name that `copies`, `positions`, `refreshes` and `texts` use for the reserve's schema. */
  readonly as: string;
  readonly proofs: { readonly [table: string]: Proof };
  /** Statements that copy a table's rows again; null where something would act on or stop them. */
  readonly copies: { readonly [table: string]: string | null };
  readonly refreshes: readonly { readonly view: string; readonly sql: string }[];
  readonly positions: string;
  readonly texts: readonly string[];
}

/** The name of a base's reserve: of its schema, and of the role that owns it. */
export function reserveName(base: string): string {
  return `ikigai_reserve_${base.replace(/^wt_/, "")}`;
}

export function recordOf(survey: Survey, hash: string, states: readonly TableState[]): Record {
  const copies = survey.tables.map((table): [string, string | null] => {
    const [whole] = stretches(survey, survey.schema, [{ ...table, bytes: 0 }]);
    return [table.name, table.quiet && whole ? whole.sql : null];
  });
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
      .map((item) => ({ view: item.name, sql: item.sql.join(";\n") })),
    positions: sequencePositions(survey, survey.schema),
    texts: survey.texts,
  };
}

export function parseRecord(comment: string | null): Record | null {
  if (!comment?.startsWith(RESERVE_MARK)) return null;
  try {
    return JSON.parse(comment.slice(RESERVE_MARK.length)) as Record;
  } catch {
    return null;
  }
}

export function writeRecord(record: Record): string {
  return RESERVE_MARK + JSON.stringify(record);
}

/** Tables and materialized views whose rows are not proven to be the base's. */
export function unproven(record: Record, states: readonly TableState[]): TableState[] {
  return states.filter((each) => each.state === null || each.state !== record.proofs[each.name]);
}

/**
 * Statements that bring the reserve's rows of these tables in line, or the table that only a new
 * branch can. A materialized view is filled anew where the base's was.
 */
export function catchUp(
  record: Record,
  reserve: string,
  changed: readonly TableState[],
): { sql: string[] } | { impossible: string } {
  const sql: string[] = [];
  for (const each of changed.filter((table) => table.kind === "r")) {
    const copy = record.copies[each.name];
    if (!copy) return { impossible: each.name };
    sql.push(`DELETE FROM ONLY "${reserve}"."${each.name.replaceAll('"', '""')}"`);
    sql.push(copy.replaceAll(record.as, reserve));
  }
  const views = new Set(changed.filter((each) => each.kind === "m").map((each) => each.name));
  for (const each of record.refreshes)
    if (views.has(each.view)) sql.push(each.sql.replaceAll(record.as, reserve));
  return { sql };
}
