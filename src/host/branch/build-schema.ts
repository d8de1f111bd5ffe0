import type pg from "pg";
import { planLate } from "./copy/late.ts";
import { sequencePositions, share, stretches } from "./copy/rows.ts";
import { runItems } from "./copy/run.ts";
import { lockTables } from "./lock.ts";
import type { Source } from "./source.ts";
import { ident, literal } from "./sql.ts";
import type { BranchOptions, Progress, Survey } from "./types.ts";

/** The comment of a schema that is being built; with the lock below it says whose it is. */
export const BUILD_MARK = "ikigai:build";

/** Tells progress, and throws where the caller has given up. */
export interface Watch {
  readonly tell: (phase: Progress["phase"], done: number, total: number) => void;
  readonly stop: () => void;
}

/**
 * Creates the empty schema under its building name, held by this connection until it ends. Its
 * owner and privileges come at once: views are filled, and privileges granted on, as other roles.
 */
export async function createBuild(client: pg.Client, survey: Survey): Promise<void> {
  const name = survey.as;
  await client.query("SELECT pg_advisory_lock(hashtextextended($1, 0))", [name]);
  const statements = [
    `CREATE SCHEMA ${ident(name)} AUTHORIZATION ${ident(survey.role)}`,
    `COMMENT ON SCHEMA ${ident(name)} IS ${literal(BUILD_MARK)}`,
    ...survey.grants,
    `SET search_path = ${ident(name)}, extensions`,
  ];
  await client.query(statements.join(";\n"));
}

/** Lets another connection find what is built by its bare name. */
export async function findsBuild(client: pg.Client, survey: Survey): Promise<void> {
  await client.query(`SET search_path = ${ident(survey.as)}, extensions`);
}

/** Everything that must stand before rows come. */
export async function buildStructure(
  client: pg.Client,
  survey: Survey,
  watch: Watch,
): Promise<void> {
  let done = 0;
  await runItems(client, survey.early, (count) => {
    done += count;
    watch.tell("structure", done, survey.early.length);
    watch.stop();
  });
}

/**
 * Copies all rows of the source's snapshot, on the source's connection and the builder's.
 * Where somebody waits for a stronger lock on the base already, the second one stays out of it:
 * it would wait behind them, and they wait for the first.
 */
export async function copyRows(
  source: pg.Client,
  builder: pg.Client,
  from: Source,
  watch: Watch,
): Promise<void> {
  const { survey } = from;
  const tasks = stretches(survey, survey.schema, survey.tables);
  const total = tasks.reduce((sum, task) => sum + task.bytes, 0);
  let done = 0;
  const workers = [source];
  if (tasks.length > 1 && (await joinSnapshot(builder, from))) workers.push(builder);
  await findsBuild(source, survey);
  await share(workers, tasks, async (client, task) => {
    watch.stop();
    await client.query(task.sql);
    done += task.bytes;
    watch.tell("rows", done, total);
  });
  if (workers.length > 1) await builder.query("COMMIT");
  const positions = sequencePositions(survey, survey.schema);
  if (positions !== "") await source.query(positions);
}

async function joinSnapshot(client: pg.Client, source: Source): Promise<boolean> {
  await client.query("BEGIN ISOLATION LEVEL REPEATABLE READ");
  await client.query(`SET TRANSACTION SNAPSHOT ${literal(source.snapshot)}`);
  if (await lockTables(client, source.survey.schema, source.locked, false)) return true;
  await client.query("ROLLBACK");
  return false;
}

/** Indexes and all else that comes after the rows, on as many connections as are given. */
export async function finishBuild(
  clients: readonly [pg.Client, ...pg.Client[]],
  survey: Survey,
  watch: Watch,
): Promise<void> {
  const [first] = clients;
  const bytes = new Map(survey.tables.map((table) => [table.name, table.bytes]));
  const plan = planLate(survey.late, (table) => bytes.get(table) ?? 0);
  const total = survey.late.length + survey.last.length;
  let done = 0;
  const tell = (count: number) => {
    done += count;
    watch.tell("indexes", done, total);
    watch.stop();
  };
  await runItems(first, plan.before, tell);
  await share(clients, plan.groups, (client, group) => runItems(client, group, tell));
  await runItems(first, [...plan.after, ...survey.last], tell);
}

/**
 * Gives the finished schema its name and mark, in one transaction that is on disk when this returns.
 * Text that holds the building name is written again with the new one.
 */
export async function publish(
  client: pg.Client,
  { survey, hash }: Source,
  options: Pick<BranchOptions, "target" | "mark">,
): Promise<void> {
  const renamed = (sql: string) => sql.replaceAll(survey.as, options.target);
  const target = ident(options.target);
  const mark = typeof options.mark === "string" ? options.mark : options.mark(survey, hash);
  await client.query(
    [
      "BEGIN",
      "SET LOCAL synchronous_commit = on",
      `ALTER SCHEMA ${ident(survey.as)} RENAME TO ${target}`,
      ...survey.texts.map(renamed),
      `COMMENT ON SCHEMA ${target} IS ${literal(mark)}`,
      "COMMIT",
    ].join(";\n"),
  );
}
