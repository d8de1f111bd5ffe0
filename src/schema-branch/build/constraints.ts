import type { ConstraintRow, IndexRow } from "../inspect/constraints.ts";
import type { RelationRow } from "../inspect/tables.ts";
import { named, type Scope } from "../scope.ts";
import { ident, literal, options } from "../sql.ts";
import type { BuildStep, PlanPart } from "../types.ts";

/**
 * Builds table and domain constraints. Foreign keys are not checked again, because the rows are known to
 * satisfy them.
 */
export function buildConstraints(
  scope: Scope,
  constraints: readonly ConstraintRow[],
  indexes: readonly IndexRow[],
  relations: readonly RelationRow[],
): PlanPart {
  const items: BuildStep[] = [];
  const covers: [string, string][] = [];
  const byOid = new Map(indexes.map((row) => [row.oid, row]));
  for (const row of constraints) {
    const key = `pg_constraint:${row.oid}`;
    if (row.kind === "t") continue;
    if (row.domain !== null && row.kind === "n") {
      covers.push([key, `pg_type:${row.domain_oid}`]);
      if (row.comment !== null) items.push(domainComment(row, key));
      continue;
    }
    if (row.domain !== null) {
      items.push(domainConstraint(row, key));
      continue;
    }
    const home = `pg_class:${row.table}`;
    if (row.kind === "n" && !row.valid) {
      items.push(unprovenNotNull(scope, row, constraints, relations));
      continue;
    }
    const index = byOid.get(row.index);
    const attached = "pux".includes(row.kind);
    if (attached && index) covers.push([`pg_class:${index.oid}`, key]);
    // Inherited constraints come with the parent's, and a partition's foreign keys with those of its table.
    if (row.kind === "n" || (!attached && (row.parent !== 0 || !row.local))) {
      covers.push([key, row.parent !== 0 ? `pg_constraint:${row.parent}` : home]);
      continue;
    }
    items.push({
      key,
      kind: "constraint",
      name: `${row.name} on ${row.table_name}`,
      ...constraintStatements(scope, row, index),
      needs: [home, ...(row.kind === "f" ? attachments(indexes, row.index) : [])],
      phase: phaseOf(row, index),
      table: row.table_name,
    });
  }
  return { items, covers };
}

function phaseOf(row: ConstraintRow, index?: IndexRow): BuildStep["phase"] {
  if (row.kind === "f") return known(row, index) ? "late" : "early";
  // A check that calls functions may read tables that are not filled yet; an unvalidated one may be violated.
  if (row.kind === "c") return row.calls || !row.valid ? "late" : "early";
  return "late";
}

function constraintStatements(
  scope: Scope,
  row: ConstraintRow,
  index?: IndexRow,
): Pick<BuildStep, "sql" | "marks" | "privileged"> {
  const only = row.table_kind === "p" && "pux".includes(row.kind) ? "ONLY " : "";
  const add = `ALTER TABLE ${only}${named(scope, row.table_name)} ADD CONSTRAINT ${ident(row.name)} ${row.definition}`;
  if (row.kind === "f" && row.valid && known(row, index))
    // A key to another schema needs a privilege there that the worker lacks, so the owner adds it. Adding it
    // reads and calls nothing.
    return {
      sql: [`${add} NOT VALID`],
      marks: [markTrue(scope, row)],
      ...(row.abroad && { privileged: true }),
    };
  if (row.kind === "c" && row.calls && row.valid)
    return { sql: [`${add} NOT VALID`], marks: [markValid(scope, row)] };
  if (!index || !"pux".includes(row.kind)) return { sql: [add] };
  const sql = [...inTablespace(index.tablespace, add)];
  if (index.options?.length)
    sql.push(`ALTER INDEX ${named(scope, index.name)} SET (${options(index.options)})`);
  return { sql };
}

/**
 * Tells whether a foreign key can be added after the rows without reading them: both tables' rows are from
 * one snapshot, in which it held. The keys it refers to can then be built after the rows too. Partitioned
 * tables accept no unvalidated ones, so theirs are added first, while there are no rows to read.
 */
function known(row: ConstraintRow, index?: IndexRow): boolean {
  return row.table_kind === "r" && index !== undefined && !index.partitioned;
}

function markTrue(scope: Scope, row: ConstraintRow): string {
  return `UPDATE pg_catalog.pg_constraint SET convalidated = true WHERE contype = 'f' AND conname = ${literal(row.name)} AND conrelid = ${literal(named(scope, row.table_name))}::regclass`;
}

/**
 * Returns a statement that marks a check as valid, as in the base. Validating it again could fail: a check
 * that calls a function may depend on rows that have changed since.
 */
function markValid(scope: Scope, row: ConstraintRow): string {
  const table = literal(named(scope, row.table_name));
  return `UPDATE pg_catalog.pg_constraint SET convalidated = true WHERE contype = 'c' AND conname = ${literal(row.name)} AND connamespace = ${literal(ident(scope.as))}::regnamespace AND (conrelid = ${table}::regclass OR NOT conislocal)`;
}

function domainConstraint(row: ConstraintRow, key: string): BuildStep {
  const sql = [`ALTER DOMAIN ${row.domain} ADD CONSTRAINT ${ident(row.name)} ${row.definition}`];
  if (row.comment !== null) sql.push(...domainComment(row, key).sql);
  const phase = row.calls || !row.valid ? "late" : "early";
  return {
    key,
    kind: "domain constraint",
    name: row.name,
    sql,
    needs: [`pg_type:${row.domain_oid}`],
    phase,
  };
}

function domainComment(row: ConstraintRow, key: string): BuildStep {
  const on = `${ident(row.name)} ON DOMAIN ${row.domain}`;
  return {
    key: `${key}/comment`,
    kind: "comment",
    name: `domain constraint ${row.name}`,
    sql: [`COMMENT ON CONSTRAINT ${on} IS ${literal(row.comment ?? "")}`],
    needs: [`pg_type:${row.domain_oid}`],
    phase: "late",
  };
}

/**
 * Adds a NOT NULL that the rows may violate. A child's is added before its parent's, which would otherwise
 * create another one on the child.
 */
function unprovenNotNull(
  scope: Scope,
  row: ConstraintRow,
  constraints: readonly ConstraintRow[],
  relations: readonly RelationRow[],
): BuildStep {
  const table = named(scope, row.table_name);
  const below = new Set(
    relations
      .filter(({ parents }) => parents?.some(({ oid }) => oid === row.table))
      .map(({ oid }) => oid),
  );
  const sql = [`ALTER TABLE ${table} ADD CONSTRAINT ${ident(row.name)} ${row.definition}`];
  return {
    key: `pg_constraint:${row.oid}`,
    kind: "constraint",
    name: `${row.name} on ${row.table_name}`,
    sql,
    ...(!row.local && { marks: [markInherited(table, [row.name])] }),
    needs: [
      `pg_class:${row.table}`,
      ...constraints
        .filter((each) => each.kind === "n" && !each.valid && below.has(each.table))
        .map((each) => `pg_constraint:${each.oid}`),
    ],
    phase: "late",
    table: row.table_name,
  };
}

/** Returns a statement that marks a child's constraints as inherited; pg_upgrade does the same. */
export function markInherited(table: string, names: readonly string[]): string {
  return `UPDATE pg_catalog.pg_constraint SET conislocal = false WHERE contype = 'n' AND conrelid = ${literal(table)}::regclass AND conname IN (${names.map(literal).join(", ")})`;
}

/** Returns the steps that complete a partitioned index; a foreign key needs its target's to be complete. */
function attachments(indexes: readonly IndexRow[], parent: number): string[] {
  return indexes
    .filter((row) => row.parent === parent)
    .flatMap((row) => [`pg_class:${row.oid}/attach`, ...attachments(indexes, row.oid)]);
}

/** Builds indexes of every kind, and attaches those of partitions. */
export function buildIndexes(scope: Scope, indexes: readonly IndexRow[]): PlanPart {
  const items: BuildStep[] = [];
  const refusals: NonNullable<PlanPart["refusals"]>[number][] = [];
  for (const row of indexes) {
    const key = `pg_class:${row.oid}`;
    const name = named(scope, row.name);
    const table = { table: row.table_name };
    if (!row.valid && !row.partitioned)
      refusals.push({
        object: row.name,
        kind: "index",
        why: "it is not valid: building it failed or has not ended",
        next: `REINDEX INDEX ${ident(scope.schema)}.${ident(row.name)}, or DROP INDEX it`,
      });
    if (row.constraint === null)
      items.push({
        key,
        kind: "index",
        name: `${row.name} on ${row.table_name}`,
        sql: inTablespace(row.tablespace, row.definition),
        needs: [`pg_class:${row.table}`],
        phase: "late",
        ...table,
      });
    if (row.parent !== null && row.parent_name !== null)
      items.push({
        key: `${key}/attach`,
        kind: "index partition",
        name: `${row.name} of ${row.parent_name}`,
        sql: [`ALTER INDEX ${named(scope, row.parent_name)} ATTACH PARTITION ${name}`],
        needs: [key, `pg_class:${row.parent}`],
        phase: "late",
      });
    const settings = indexSettings(scope, row);
    if (settings.length > 0)
      items.push({
        key: `${key}/settings`,
        kind: "index settings",
        name: row.name,
        sql: settings,
        needs: [key],
        phase: "late",
      });
  }
  return { items, refusals };
}

function indexSettings(scope: Scope, row: IndexRow): string[] {
  const owner = row.table_kind === "m" ? "MATERIALIZED VIEW" : "TABLE ONLY";
  const table = `ALTER ${owner} ${named(scope, row.table_name)}`;
  const sql = (row.statistics ?? []).map(
    (each) =>
      `ALTER INDEX ${named(scope, row.name)} ALTER COLUMN ${each.column} SET STATISTICS ${each.target}`,
  );
  if (row.clustered) sql.push(`${table} CLUSTER ON ${ident(row.name)}`);
  if (row.replica) sql.push(`${table} REPLICA IDENTITY USING INDEX ${ident(row.name)}`);
  return sql;
}

function inTablespace(tablespace: string | null, statement: string): string[] {
  if (tablespace === null) return [statement];
  return [
    `SET default_tablespace = ${literal(tablespace)}`,
    statement,
    "SET default_tablespace = ''",
  ];
}
