import { randomBytes } from "node:crypto";
import type pg from "pg";
import { buildPolicies, buildRules, buildTriggers } from "../build/actions.ts";
import { columnDefinition, withUsualName } from "../build/columns.ts";
import { buildConstraints, buildIndexes } from "../build/constraints.ts";
import { buildDefaults, plainDefaults } from "../build/defaults.ts";
import { aclColumn, grantStatements, type Privilege } from "../build/grants.ts";
import { coverage, order } from "../build/order.ts";
import * as others from "../build/others.ts";
import { buildRoutines } from "../build/routines.ts";
import { copyTables } from "../build/rows.ts";
import { briefIdentityClause, buildSequences, identitySequences } from "../build/sequences.ts";
import { buildTables } from "../build/tables.ts";
import { buildTypes } from "../build/types.ts";
import { buildViews } from "../build/views.ts";
import { BranchError } from "../errors.ts";
import type { Scope } from "../scope.ts";
import { ident } from "../sql.ts";
import type { Note, PlanPart, SchemaModel } from "../types.ts";
import { cycles, distinct, namingTexts, sharedObjects, unaccounted } from "./account.ts";
import { readPolicies, readRules, readTriggers } from "./actions.ts";
import { readConstraints, readIndexes } from "./constraints.ts";
import { type Inventory, readInventory } from "./inventory.ts";
import { classifyUnsupported } from "./leftovers.ts";
import { readCasts, readFamilies, readOperators } from "./operators.ts";
import * as rest from "./others.ts";
import { readAggregates, readRoutines } from "./routines.ts";
import { type ColumnRow, readColumns, readRelations, readSequences } from "./tables.ts";
import { readTypes } from "./types.ts";
import { pointersOf, readLabels } from "./values.ts";

/** Returns a name used by nothing else, so that it can safely be replaced in a text. */
export function freshName(purpose: "build" | "survey"): string {
  return `ikigai_${purpose}_${randomBytes(6).toString("hex")}`;
}

/**
 * Reads a schema within the caller's transaction. To make the server write all definitions under the name
 * `as`, renames the schema and undoes that at once: no other session sees the renaming, and it locks only the
 * schema's row in pg_namespace.
 */
export async function readSchemaModel(
  client: pg.Client,
  options: { schema: string; as: string; role: string | null },
): Promise<SchemaModel> {
  const { rows } = await client.query<{
    oid: number;
    owner: string;
    builder: string;
    acl: Privilege[] | null;
    leak: string | null;
  }>(
    `SELECT n.oid::int8::float8 AS oid, pg_get_userbyid(n.nspowner) AS owner, current_user AS builder, ${aclColumn("n.nspacl")} AS acl,
        (SELECT string_agg(pg_get_userbyid(d.defaclrole), ', ') FROM pg_default_acl d
          WHERE d.defaclnamespace = 0 AND d.defaclrole = (SELECT oid FROM pg_roles WHERE rolname = current_user)) AS leak
       FROM pg_namespace n WHERE n.nspname = $1`,
    [options.schema],
  );
  const space = rows[0];
  if (!space)
    throw new BranchError("missing", `There is no schema ${options.schema}.`, {
      next: "ikigai db list",
    });
  const scope: Scope = {
    schema: options.schema,
    oid: space.oid,
    as: options.as,
    owner: space.owner,
    role: options.role ?? space.owner,
  };
  await client.query("SAVEPOINT ikigai_survey");
  try {
    await client.query("SET LOCAL search_path = ''");
    const inventory = await readInventory(client, scope.oid);
    // ALTER SCHEMA would, in some versions, also block sessions that create something in the schema.
    await client.query("UPDATE pg_catalog.pg_namespace SET nspname = $1 WHERE oid = $2", [
      scope.as,
      scope.oid,
    ]);
    const survey = await readObjects(client, scope, inventory);
    const refusals = [...survey.refusals];
    if (space.leak !== null)
      refusals.push({
        object: space.leak,
        kind: "default privileges",
        why: "this role builds the branch, and its database-wide default privileges would change what it builds",
        next: `ALTER DEFAULT PRIVILEGES FOR ROLE ${ident(space.leak)} REVOKE what was granted`,
      });
    const grants = grantStatements(scope, `SCHEMA ${ident(scope.as)}`, scope.owner, space.acl);
    return { ...survey, refusals, grants, inventory, reader: space.builder };
  } finally {
    await client.query("ROLLBACK TO SAVEPOINT ikigai_survey").catch(() => undefined);
  }
}

async function readObjects(
  client: pg.Client,
  scope: Scope,
  inventory: Inventory,
): Promise<Omit<SchemaModel, "grants" | "inventory" | "reader">> {
  const relations = await readRelations(client, scope.oid, inventory);
  const columns = new Map<number, ColumnRow[]>(relations.map((row) => [row.oid, []]));
  for (const column of await readColumns(client, [...columns.keys()]))
    columns.get(column.table)?.push(column);
  const sequences = await readSequences(
    client,
    relations.filter((row) => row.kind === "S").map((row) => row.oid),
  );
  const members = new Set(
    inventory.edges.filter((edge) => edge.type === "e").map((edge) => edge.from),
  );
  const types = (await readTypes(client, scope.oid, inventory)).filter(
    (row) => !members.has(`pg_type:${row.oid}`) && !members.has(`pg_type:${row.element}`),
  );
  const constraints = await readConstraints(client, scope.oid, inventory);
  const indexes = await readIndexes(client, scope.oid, inventory);
  const routines = await readRoutines(client, scope.oid, inventory);
  const made = routines.filter((row) => row.kind === "a").map((row) => row.oid);
  const aggregates = made.length > 0 ? await readAggregates(client, made) : [];
  const triggers = await readTriggers(client, scope.oid, inventory);
  const rules = await readRules(client, scope.oid, inventory);
  const plain = plainDefaults(relations, columns, inventory.edges, scope.schema);
  const own = identitySequences(relations, sequences);
  const functions = buildRoutines(scope, routines, aggregates);
  const pieces: PlanPart[] = [
    buildTypes(scope, types),
    buildSequences(scope, relations, sequences),
    functions,
    buildTables(scope, relations, columns, sequences, plain),
    buildDefaults(scope, relations, columns, plain),
    buildConstraints(scope, constraints, indexes, relations),
    buildIndexes(scope, indexes),
    buildViews(scope, relations, columns),
    buildTriggers(scope, triggers),
    buildRules(scope, rules),
    buildPolicies(scope, await readPolicies(client, scope.oid, inventory)),
    ...(await readRest(client, scope, inventory)),
    others.buildComments(await rest.readComments(client, inventory)),
    others.buildExtensionLinks(await rest.readExtensionLinks(client, inventory)),
  ];
  const items = pieces.flatMap((piece) =>
    piece.items.map((item) => ({ ...item, name: item.name.replaceAll(`${scope.as}.`, "") })),
  );
  const covers = pieces.flatMap((piece) => [...(piece.covers ?? [])]);
  const built = coverage(items, covers, inventory.edges);
  const refusals = pieces.flatMap((piece) => [...(piece.refusals ?? [])]);
  const left = unaccounted(inventory, built, covers);
  const values = await readLabels(client, inventory);
  const judged = await classifyUnsupported(client, left, scope.as);
  const sorted = order(items, built, inventory.edges);
  const noted: Note[] = [
    ...pieces.flatMap((piece) => [...(piece.notes ?? [])]),
    ...judged.notes,
    ...sharedObjects(relations, columns),
  ];
  return {
    schema: scope.schema,
    oid: scope.oid,
    as: scope.as,
    owner: scope.owner,
    role: scope.role,
    early: sorted.early,
    late: sorted.late,
    last: sorted.last,
    tables: copyTables(
      relations,
      columns,
      types,
      triggers,
      rules,
      constraints,
      inventory.of("pg_cast").length > 0,
    ),
    sequences: relations.filter((row) => row.kind === "S").map(({ oid, name }) => ({ oid, name })),
    matviews: relations.filter((row) => row.kind === "m").map((row) => row.name),
    texts: functions.texts,
    pointers: pointersOf(relations, columns),
    refusals: distinct([
      ...refusals,
      ...values,
      ...judged.refusals,
      ...cycles(sorted.circles),
      ...namingTexts(items, scope.schema),
    ]),
    notes: noted,
    built: new Set(built.keys()),
    columns: new Map(
      relations
        .filter((row) => "rpf".includes(row.kind))
        .map((row) => [
          row.name,
          (columns.get(row.oid) ?? []).map((column) => ({
            name: column.name,
            definition: columnDefinition(
              { of_type: null },
              withUsualName(row.name, column),
              plain,
              briefIdentityClause(own(column)),
            ),
          })),
        ]),
    ),
  };
}

async function readRest(
  client: pg.Client,
  scope: Scope,
  inventory: Inventory,
): Promise<PlanPart[]> {
  const pieces: PlanPart[] = [];
  const some = (...catalogs: string[]) =>
    catalogs.some((name) => inventory.of(`pg_${name}`).length > 0);
  const made = others.buildMade;
  if (some("operator"))
    pieces.push(others.buildOperators(scope, await readOperators(client, scope.oid, inventory)));
  if (some("opclass", "opfamily", "amop", "amproc"))
    pieces.push(others.buildFamilies(scope, await readFamilies(client, scope.oid, inventory)));
  if (some("cast")) pieces.push(others.buildCasts(await readCasts(client, scope.oid, inventory)));
  pieces.push(
    made(
      scope,
      "pg_collation",
      "collation",
      await rest.readCollations(client, scope.oid, inventory),
    ),
    made(
      scope,
      "pg_conversion",
      "conversion",
      await rest.readConversions(client, scope.oid, inventory),
    ),
    made(
      scope,
      "pg_ts_dict",
      "text search dictionary",
      await rest.readDictionaries(client, scope.oid, inventory),
    ),
    made(
      scope,
      "pg_ts_config",
      "text search configuration",
      await rest.readConfigurations(client, scope.oid, inventory),
    ),
    made(
      scope,
      "pg_statistic_ext",
      "statistics",
      await rest.readStatistics(client, scope.oid, inventory),
      "late",
    ),
  );
  if (some("default_acl"))
    pieces.push(others.buildDefaultAcls(scope, await rest.readDefaultAcls(client, scope.oid)));
  return pieces;
}
