import type { PolicyRow, RuleRow, TriggerRow } from "../inspect/actions.ts";
import type { Refusal } from "../refusal.ts";
import { named, roleFor, type Scope } from "../scope.ts";
import { ident } from "../sql.ts";
import type { BuildStep, PlanPart } from "../types.ts";

const STATES: Readonly<Record<string, string>> = {
  O: "ENABLE",
  D: "DISABLE",
  R: "ENABLE REPLICA",
  A: "ENABLE ALWAYS",
};

/** Builds triggers, and sets the state of those that partitions inherit. */
export function buildTriggers(scope: Scope, triggers: readonly TriggerRow[]): PlanPart {
  const items: BuildStep[] = [];
  const covers: [string, string][] = [];
  const refusals: Refusal[] = [];
  for (const row of triggers) {
    const key = `pg_trigger:${row.oid}`;
    const table = named(scope, row.table_name);
    const state = `ALTER TABLE ONLY ${table} ${STATES[row.enabled]} TRIGGER ${ident(row.name)}`;
    const label = `${row.name} on ${row.table_name}`;
    if (row.internal) {
      covers.push([key, `pg_constraint:${row.constraint}`]);
      if (row.enabled !== "O")
        refusals.push({
          object: `${row.constraint_name} on ${row.table_name}`,
          kind: "constraint",
          why: "its check is switched off (DISABLE TRIGGER ALL), which no definition can carry over",
          next: `ALTER TABLE ${ident(scope.schema)}.${ident(row.table_name)} ENABLE TRIGGER ALL, then DISABLE TRIGGER USER if that was meant`,
        });
      continue;
    }
    if (row.parent !== 0) {
      covers.push([key, `pg_trigger:${row.parent}`]);
      if (row.constraint !== 0)
        covers.push([`pg_constraint:${row.constraint}`, `pg_trigger:${row.parent}`]);
      if (row.enabled !== "O")
        items.push({
          key: `${key}/state`,
          kind: "trigger",
          name: label,
          sql: [state],
          needs: [key],
          phase: "late",
        });
      continue;
    }
    if (row.constraint_kind === "t") covers.push([`pg_constraint:${row.constraint}`, key]);
    items.push({
      key,
      kind: "trigger",
      name: label,
      sql: row.enabled === "O" ? [row.definition] : [row.definition, state],
      needs: [`pg_class:${row.table}`],
      phase: "late",
    });
  }
  return { items, covers, refusals };
}

/** Builds rules, except those that define views. */
export function buildRules(scope: Scope, rules: readonly RuleRow[]): PlanPart {
  const items = rules.map((row): BuildStep => {
    const create = row.definition.trimEnd().replace(/;$/, "");
    const state = `ALTER TABLE ${named(scope, row.table_name)} ${STATES[row.enabled]} RULE ${ident(row.name)}`;
    return {
      key: `pg_rewrite:${row.oid}`,
      kind: "rule",
      name: `${row.name} on ${row.table_name}`,
      sql: row.enabled === "O" ? [create] : [create, state],
      needs: [`pg_class:${row.table}`],
      phase: "late",
    };
  });
  return { items };
}

const COMMANDS: Readonly<Record<string, string>> = {
  "*": "ALL",
  r: "SELECT",
  a: "INSERT",
  w: "UPDATE",
  d: "DELETE",
};

/** Builds row-level security policies, replacing the base's owner by the branch's. */
export function buildPolicies(scope: Scope, policies: readonly PolicyRow[]): PlanPart {
  const items = policies.map((row): BuildStep => {
    const roles = (row.roles ?? [null]).map((role) =>
      role === null ? "PUBLIC" : ident(roleFor(scope, role)),
    );
    const parts = [
      `CREATE POLICY ${ident(row.name)} ON ${named(scope, row.table_name)}`,
      `AS ${row.permissive ? "PERMISSIVE" : "RESTRICTIVE"} FOR ${COMMANDS[row.command]}`,
      `TO ${roles.join(", ")}`,
    ];
    if (row.using !== null) parts.push(`USING (${row.using})`);
    if (row.check !== null) parts.push(`WITH CHECK (${row.check})`);
    return {
      key: `pg_policy:${row.oid}`,
      kind: "policy",
      name: `${row.name} on ${row.table_name}`,
      sql: [parts.join(" ")],
      needs: [`pg_class:${row.table}`],
      phase: "late",
    };
  });
  return { items };
}
