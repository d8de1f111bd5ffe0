import type pg from "pg";
import { planLate } from "./copy/late.ts";
import { ctidRanges, runParallel, sequencePositions } from "./copy/rows.ts";
import { handOver, runItems } from "./copy/run.ts";
import { assertUnchanged } from "./inspect/untouched.ts";
import { lockTables } from "./lock.ts";
import { register } from "./registry.ts";
import { close } from "./session.ts";
import type { Source } from "./source.ts";
import { ident, literal } from "./sql.ts";
import type { BranchOptions, BuildStep, Progress, SchemaModel } from "./types.ts";
import { type BuildRole, dropProxyViews, dropRole, proxySchemaOf } from "./worker.ts";

/** Reports progress; `stop` throws if the caller has aborted. */
export interface ProgressWatch {
  readonly tell: (phase: Progress["phase"], done: number, total: number) => void;
  readonly stop: () => void;
}

/** The connections of one build. */
export interface Connections {
  /** The cluster owner's connection. It runs nothing that evaluates an expression. */
  readonly owner: pg.Client;
  readonly worker: BuildRole;
  /** The worker's sessions. */
  readonly sessions: readonly [pg.Client, ...pg.Client[]];
}

/** Builds everything that must exist before the rows. */
export async function buildStructure(
  crew: Connections,
  survey: SchemaModel,
  watch: ProgressWatch,
): Promise<void> {
  let done = 0;
  // The first session may already be in the snapshot's transaction, where what it creates would be invisible
  // to others until it ends.
  const hands = { worker: crew.sessions[1] ?? crew.sessions[0], owner: crew.owner };
  await runItems(hands, survey.early, (count) => {
    done += count;
    watch.tell("structure", done, survey.early.length);
    watch.stop();
  });
}

/**
 * Copies all rows of the source's snapshot, using those of the worker's sessions that can join it. The first
 * has joined already.
 */
export async function copyRows(
  crew: Connections,
  from: Source,
  watch: ProgressWatch,
): Promise<void> {
  const { survey } = from;
  const { places } = crew.worker;
  const tasks = ctidRanges(survey, places, survey.tables);
  const total = tasks.reduce((sum, task) => sum + task.bytes, 0);
  let done = 0;
  const [first, ...others] = crew.sessions;
  const workers = [first];
  for (const other of tasks.length > 1 ? others : [])
    if (await joinSnapshot(other, from.snapshot, crew.worker, survey.schema)) workers.push(other);
  await runParallel(workers, tasks, async (client, task) => {
    watch.stop();
    await client.query(task.sql);
    done += task.bytes;
    watch.tell("rows", done, total);
  });
  const positions = sequencePositions(survey, places);
  if (positions !== "") await first.query(positions);
  for (const client of workers) await client.query("COMMIT");
}

/**
 * Joins a snapshot and locks the tables that it reads. Returns false, without having joined, if another
 * session already waits for a stronger lock on one of them: we would queue behind it, and it waits for the
 * session that exported the snapshot.
 */
export async function joinSnapshot(
  client: pg.Client,
  snapshot: string,
  { name, places }: Pick<BuildRole, "name" | "places">,
  schema: string,
): Promise<boolean> {
  await client.query("BEGIN ISOLATION LEVEL REPEATABLE READ");
  await client.query(`SET TRANSACTION SNAPSHOT ${literal(snapshot)}`);
  const tables = [...places.values()].filter(({ kind }) => kind === "r");
  const named = (own: boolean) =>
    tables.filter((each) => each.own === own).map((each) => each.name);
  const held =
    (await lockTables(client, schema, named(true), false)) &&
    (await lockTables(client, proxySchemaOf(name), named(false), false));
  if (!held) await client.query("ROLLBACK");
  return held;
}

/**
 * Builds indexes and everything else that follows the rows, in parallel on the worker's sessions. Then, when
 * nothing is evaluated any more, sets owners and privileges.
 */
export async function finishBuild(
  crew: Connections,
  survey: SchemaModel,
  watch: ProgressWatch,
): Promise<void> {
  const { owner, worker, sessions } = crew;
  const bytes = new Map(survey.tables.map((table) => [table.name, table.bytes]));
  const plan = planLate(survey.late, (table) => bytes.get(table) ?? 0);
  const total = survey.late.length + survey.last.length;
  let done = 0;
  const tell = (count: number) => {
    done += count;
    watch.tell("indexes", done, total);
    watch.stop();
  };
  const hands = { worker: sessions[0], owner };
  await runItems(hands, plan.before, tell);
  await runParallel(sessions, plan.groups, (session, group) =>
    runItems({ worker: session, owner }, group, tell),
  );
  await runItems(hands, plan.after, tell);
  // A materialized view must be filled with what its owner sees, subject to the tables' policies.
  await owner.query(`ALTER ROLE ${ident(worker.name)} NOBYPASSRLS`);
  await runItems(hands, survey.last, tell);
  await Promise.all(sessions.map(close));
  await setOwners(owner, survey);
}

async function setOwners(owner: pg.Client, survey: SchemaModel): Promise<void> {
  const items = [...survey.early, ...survey.late, ...survey.last];
  const usual = ` OWNER TO ${ident(survey.role)}`;
  const hasOtherOwner = (item: BuildStep) =>
    item.owner?.some((sql) => !sql.endsWith(usual)) ?? false;
  // As the worker, a function could have changed objects that are about to get another role's rights.
  if (items.some(hasOtherOwner)) await assertUnchanged(owner, survey);
  const name = ident(survey.as);
  await dropProxyViews(owner, survey.as);
  await owner.query(
    [`ALTER SCHEMA ${name} OWNER TO ${ident(survey.role)}`, ...survey.grants].join(";\n"),
  );
  await handOver(owner, items, (item) => item.owner ?? []);
  await handOver(owner, items, (item) => item.grants ?? []);
}

/**
 * Gives the finished schema its name and mark, in one transaction that is flushed to disk when this returns.
 * Replaces the building name in functions' texts in the catalog, because recreating functions would evaluate
 * their default arguments.
 */
export async function publish(
  { owner, worker }: Connections,
  { survey, hash }: Source,
  options: Pick<BranchOptions, "target" | "mark" | "comment">,
): Promise<void> {
  const target = ident(options.target);
  const mark = typeof options.mark === "string" ? options.mark : options.mark(survey);
  const comment = options.comment?.(survey, hash, worker.places);
  await owner.query(
    [
      "BEGIN",
      "SET LOCAL synchronous_commit = on",
      `ALTER SCHEMA ${ident(survey.as)} RENAME TO ${target}`,
      ...(survey.texts ? [renameTexts(options.target, survey.as, options.target)] : []),
      register(options.target, mark),
      ...(comment === undefined ? [] : [`COMMENT ON SCHEMA ${target} IS ${literal(comment)}`]),
      dropRole(survey.as),
      "COMMIT",
    ].join(";\n"),
  );
}

/** Returns a statement that replaces a name in the texts and settings of a schema's functions. */
export function renameTexts(schema: string, from: string, to: string): string {
  const renamed = (column: string) => `replace(${column}, ${literal(from)}, ${literal(to)})`;
  return `UPDATE pg_catalog.pg_proc SET prosrc = ${renamed("prosrc")}, proconfig = ${renamed("proconfig::text")}::text[]
    WHERE pronamespace = ${literal(ident(schema))}::regnamespace AND strpos(concat(prosrc, proconfig::text), ${literal(from)}) > 0`;
}
