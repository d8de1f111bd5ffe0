import { readdirSync, realpathSync } from "node:fs";
import pg from "pg";
import type { PlanReport } from "../../../src/model/report.ts";
import { ask } from "../../support/http.ts";
import { makeProject, type ProjectOptions, type TestProject } from "../../support/project.ts";
import { type Cast, castOf, orphansOf } from "./roles.ts";

const ROWS = 50;

/** A project that runs and is hurt: what must be true of it whatever was done to it. */
export interface Patient extends AsyncDisposable {
  readonly project: TestProject;
  cast(): Cast;
  /** The worktrees that must be there, with their rows. */
  readonly worktrees: Set<string>;
  /** Puts rows into a worktree's schema, to be there for good. */
  fill(worktree: string): Promise<void>;
  /** What is not as it should be; nothing when all is well. */
  complaints(): Promise<string[]>;
  /** Milliseconds until there is nothing to complain about. */
  recovers(deadline?: number): Promise<number>;
  sql<T extends pg.QueryResultRow>(text: string): Promise<T[]>;
}

export async function makePatient(options: ProjectOptions = {}): Promise<Patient> {
  const project = await makeProject({ worktrees: ["rel-05"], ...options });
  const started = await project.ikigai("start");
  if (started.exitCode !== 0) throw new Error(started.stderr);
  const worktrees = new Set(["main", ...(options.worktrees ?? ["rel-05"])]);
  const patient = care(project, worktrees);
  await patient.recovers(30_000);
  for (const worktree of worktrees) await patient.fill(worktree);
  return patient;
}

function care(project: TestProject, worktrees: Set<string>): Patient {
  const data = () => realpathSync(`${project.root}/.ikigai/db`);
  const cast = () => castOf(project.root, data());
  const filled = new Set<string>();
  const sql = async <T extends pg.QueryResultRow>(text: string): Promise<T[]> => {
    const client = new pg.Client({
      ...{ host: "127.0.0.1", port: project.postgresPort, connectionTimeoutMillis: 2_000 },
      ...{ user: "ikigai", password: "ikigai", database: "ikigai", application_name: "faults" },
    });
    // The server may be killed while we are connected.
    client.on("error", () => {});
    await client.connect();
    try {
      return (await client.query<T>(text)).rows;
    } finally {
      await client.end();
    }
  };
  const schema = (worktree: string) => `wt_${worktree.replaceAll("-", "_")}`;
  const fill = async (worktree: string) => {
    const table = `"${schema(worktree)}".precious`;
    await sql(
      `CREATE TABLE ${table} AS SELECT generate_series(1, ${ROWS}) AS n; ALTER TABLE ${table} OWNER TO "${schema(worktree)}"`,
    );
    filled.add(worktree);
  };
  const complaints = async (): Promise<string[]> => {
    const found: string[] = [];
    const note = (text: string, ok: boolean) => void (ok || found.push(text));
    await asked(project, found);
    for (const worktree of worktrees) {
      const answer = await project.http(`/${worktree}/api/x`, { timeout: 20_000 });
      note(`${worktree} answers ${answer.status}`, answer.status === 200);
      if (answer.status === 200) {
        const said = answer.json<{ worktree: string }>().worktree;
        note(`${worktree} is answered by ${said}`, said === worktree);
      }
    }
    found.push(...counted(cast(), worktrees, project.root));
    for (const worktree of filled) {
      if (!worktrees.has(worktree)) continue;
      const [row] = await sql<{ n: string }>(
        `SELECT count(*)::text AS n FROM "${schema(worktree)}".precious`,
      );
      note(`${worktree} has ${row?.n} rows of ${ROWS}`, row?.n === String(ROWS));
    }
    found.push(...(await halves(sql)));
    return found;
  };
  return {
    project,
    cast,
    worktrees,
    fill,
    complaints,
    sql,
    recovers: async (deadline = 20_000) => {
      const begin = performance.now();
      let last: string[] = [];
      while (performance.now() - begin < deadline) {
        last = await complaints().catch((error: unknown) => [String(error)]);
        if (last.length === 0) return Math.round(performance.now() - begin);
        await new Promise((resolve) => setTimeout(resolve, 50));
      }
      throw new Error(`Not well after ${deadline} ms:\n  ${last.join("\n  ")}`);
    },
    [Symbol.asyncDispose]: () => project[Symbol.asyncDispose](),
  };
}

/** The daemon answers, and has nothing left to do. */
async function asked({ root }: TestProject, found: string[]): Promise<void> {
  const socketPath = `${root}/.ikigai/daemon.sock`;
  const health = await ask(0, "/v1/health", { socketPath, timeout: 5_000 });
  if (!health.json<{ ready: boolean }>().ready) found.push("the daemon is not ready");
  const plan = (await ask(0, "/v1/plan", { socketPath })).json<unknown>() as PlanReport;
  found.push(...plan.steps.map(({ kind, action, key }) => `to do: ${action} ${kind} ${key}`));
  found.push(...plan.problems);
}

/** Nothing is there twice, and nothing is nobody's. */
function counted(cast: Cast, worktrees: ReadonlySet<string>, root: string): string[] {
  const found: string[] = [];
  const one = (what: string, list: readonly unknown[]) => {
    if (list.length !== 1) found.push(`${list.length} of: ${what}`);
  };
  one("runsvdir", cast.runsvdir);
  one("daemon", cast.daemon);
  one("nginx master", cast.nginxMaster);
  one("postmaster", cast.postmaster);
  for (const [name, list] of cast.services) one(`service ${name}`, list);
  for (const worktree of worktrees) one(worktree, cast.services.get(`${worktree}.backend`) ?? []);
  const places = readdirSync(`${root}/.ikigai/sv`, { withFileTypes: true })
    .filter((entry) => entry.isDirectory() && !entry.name.startsWith("."))
    .map(({ name }) => `${root}/.ikigai/sv/${name}`);
  for (const place of places)
    one(
      `runsv ${place}`,
      cast.runsv.filter(({ cwd }) => cwd === place),
    );
  for (const { pid, line } of orphansOf(cast)) found.push(`orphan ${pid}: ${line}`);
  return found;
}

/** Schemas without a mark or a role, roles without a schema, and what a build left. */
async function halves(sql: Patient["sql"]): Promise<string[]> {
  const rows = await sql<{ name: string }>(
    `SELECT 'no mark: ' || nspname AS name FROM pg_namespace
      WHERE nspname LIKE 'wt\\_%' AND obj_description(oid, 'pg_namespace') IS NULL
     UNION ALL SELECT 'no role: ' || nspname FROM pg_namespace n
      WHERE nspname ~ '^(wt|retired)_' AND NOT EXISTS (SELECT FROM pg_roles r WHERE r.rolname = n.nspname)
     UNION ALL SELECT 'no schema: ' || rolname FROM pg_roles r
      WHERE rolname ~ '^(wt|retired|dropped)_' AND NOT EXISTS (SELECT FROM pg_namespace n WHERE n.nspname = r.rolname)
     UNION ALL SELECT 'strange schema: ' || nspname FROM pg_namespace
      WHERE nspname !~ '^(wt_|retired_|pg_|public$|information_schema$|extensions$|ikigai_)'`,
  );
  return rows.map(({ name }) => name);
}
