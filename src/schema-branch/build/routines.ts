import type { AggregateRow, RoutineRow } from "../inspect/routines.ts";
import { mentioned, renameInBody, stringsNaming } from "../names.ts";
import type { Refusal } from "../refusal.ts";
import { named, ownedBy, type Scope } from "../scope.ts";
import { literal } from "../sql.ts";
import type { BuildStep, PlanPart } from "../types.ts";
import { grantStatements } from "./grants.ts";

/** The routines' part of the plan; `texts` tells whether one contains the schema's name as text. */
export interface RoutinePiece extends PlanPart {
  readonly texts: boolean;
}

/** Builds functions, procedures, window functions and aggregates. */
export function buildRoutines(
  scope: Scope,
  routines: readonly RoutineRow[],
  aggregates: readonly AggregateRow[],
): RoutinePiece {
  const items: BuildStep[] = [];
  const refusals: Refusal[] = [];
  let texts = false;
  for (const row of routines) {
    if (row.internal) continue;
    const label = `${row.name}(${row.arguments})`;
    const aggregate = aggregates.find((each) => each.oid === row.oid);
    const written = aggregate
      ? { sql: [createAggregate(scope, row, aggregate)], named: [] }
      : createRoutine(scope, row, label, refusals);
    if (written.named.length > 0) texts = true;
    const routine = aggregate
      ? `AGGREGATE ${named(scope, row.name)}(${row.arguments || "*"})`
      : `ROUTINE ${named(scope, row.name)}(${row.arguments})`;
    const granted = aggregate ? `FUNCTION ${named(scope, row.name)}(${row.types})` : routine;
    items.push({
      key: `pg_proc:${row.oid}`,
      kind: row.kind === "a" ? "aggregate" : row.kind === "p" ? "procedure" : "function",
      name: label,
      sql: written.sql,
      ...(needsSuperuser(row, aggregate) && { privileged: true }),
      owner: ownedBy(scope, routine, row.owner),
      grants: grantStatements(scope, granted, row.owner, row.acl),
      needs: [],
      phase: "any",
    });
  }
  return { items, refusals, texts };
}

/**
 * Tells whether only a superuser can create it. A superuser has created it before, so its definition contains
 * nothing from a worktree.
 */
function needsSuperuser(row: RoutineRow, aggregate: AggregateRow | undefined): boolean {
  if (!aggregate) return row.guarded;
  return aggregate.parameters.some(
    ([name, value]) => ["STYPE", "MSTYPE"].includes(name) && value === "internal",
  );
}

function createRoutine(
  scope: Scope,
  row: RoutineRow,
  label: string,
  refusals: Refusal[],
): { sql: string[]; named: string[] } {
  const refuse = (why: string, next: string) =>
    refusals.push({ object: label, kind: row.kind === "p" ? "procedure" : "function", why, next });
  const definition = (row.definition ?? "").trimEnd();
  const at = row.parsed ? -1 : definition.lastIndexOf(row.body);
  const head = at < 0 ? definition : definition.slice(0, at);
  const settings = (row.settings ?? []).filter((setting) => mentioned(setting, scope.schema));
  const header = settings.reduce((text, setting) => renameSetting(scope, text, setting), head);
  if (stringsNaming(header.replace(/AS \$\w*\$$/, ""), scope.schema).length > 0)
    refuse(
      "a string in its definition names the schema",
      "write names without the schema; the search path finds them",
    );
  const sql = row.language === "sql" || row.language === "plpgsql";
  const renamed = at < 0 ? null : renameInBody(row.body, scope.schema, scope.as);
  if (renamed !== null && !sql && row.language !== "c" && row.language !== "internal")
    refuse(
      `its ${row.language} text names the schema, and only SQL and PL/pgSQL can be read safely`,
      "write names without the schema; the search path finds them",
    );
  const body = at < 0 ? "" : sql && renamed !== null ? renamed : row.body;
  const text = `${header}${body}${at < 0 ? "" : definition.slice(at + row.body.length)}`;
  return { sql: [text], named: text === definition ? [] : [text] };
}

/**
 * Replaces the schema's name in a `SET search_path` clause, and the owner in `SET role`. Other settings are
 * left, and refused later.
 */
function renameSetting(scope: Scope, header: string, setting: string): string {
  const at = setting.indexOf("=");
  const name = setting.slice(0, at);
  const value = setting.slice(at + 1);
  const path = pathOf(value).map((schema) => (schema === scope.schema ? scope.as : schema));
  const values = name === "role" && value === scope.owner ? [scope.role] : path;
  if (name !== "search_path" && name !== "role") return header;
  const clause = ` SET ${name} TO ${values.map(literal).join(", ")}`;
  return header
    .split("\n")
    .map((line) => (line.startsWith(` SET ${name} TO `) ? clause : line))
    .join("\n");
}

/** Splits a search path into names: unquoted, bare ones folded to lower case. */
function pathOf(text: string): string[] {
  const found = text.match(/"(?:[^"]|"")*"|[^\s,"]+/g) ?? [];
  return found.map((name) =>
    name.startsWith('"') ? name.slice(1, -1).replaceAll('""', '"') : name.toLowerCase(),
  );
}

function createAggregate(scope: Scope, row: RoutineRow, aggregate: AggregateRow): string {
  const parameters = aggregate.parameters
    .filter(([, value]) => value !== null)
    .map(([name, value]) => (value === "" ? name : `${name} = ${value}`));
  const list = aggregate.full_arguments === "" ? "*" : aggregate.full_arguments;
  return `CREATE AGGREGATE ${named(scope, row.name)}(${list}) (${parameters.join(", ")})`;
}
