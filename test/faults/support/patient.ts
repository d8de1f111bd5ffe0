import { realpathSync } from "node:fs";
import pg from "pg";
import { expect } from "vitest";
import type { PlanReport } from "../../../src/model/reports.ts";
import { ask } from "../../support/http.ts";
import { ownerLogin } from "../../support/owner.ts";
import { makeProject, type ProjectOptions, type TestProject } from "../../support/project.ts";
import { Ledger } from "./ledger.ts";
import { filesLeft, processesLeft, processesMissing, schemaOf, schemasLeft } from "./leftovers.ts";
import { type Cast, castOf } from "./roles.ts";
import { Rows } from "./rows.ts";
import { type Count, keepCount, tell } from "./table.ts";

/** Milliseconds between two rows of the continuous writes. */
const PACE = 20;

/** A running project that faults are injected into, and the conditions that must hold whatever happens. */
export interface Patient extends AsyncDisposable {
  readonly project: TestProject;
  cast(): Cast;
  /** The worktrees that must exist, with their rows. */
  readonly worktrees: Set<string>;
  /** The rows that must exist. */
  readonly rows: Rows;
  /** `git worktree add`, off main; the branch must have the rows that main has now. */
  add(worktree: string): Promise<void>;
  /** `git worktree remove`; the data must be kept. */
  remove(worktree: string): Promise<void>;
  /** Lists what is wrong; empty when all is well. */
  complaints(): Promise<string[]>;
  /** Returns the milliseconds until nothing is wrong. */
  recovers(deadline?: number): Promise<number>;
  sql<T extends pg.QueryResultRow>(text: string): Promise<T[]>;
}

/** The result of one check. */
interface Findings extends Count {
  readonly wrong: readonly string[];
}

export interface PatientOptions extends ProjectOptions {
  /** Milliseconds between two rows of the ledger. */
  readonly pace?: number;
}

export async function makePatient({ pace, ...options }: PatientOptions = {}): Promise<Patient> {
  const project = await makeProject({ worktrees: ["rel-05"], ...options });
  const started = await project.ikigai("start");
  if (started.exitCode !== 0) throw new Error(started.stderr);
  const worktrees = new Set(["main", ...(options.worktrees ?? ["rel-05"])]);
  const patient = care(project, worktrees, pace ?? PACE);
  await patient.recovers(30_000);
  await patient.rows.begin(worktrees);
  return patient;
}

function care(project: TestProject, worktrees: Set<string>, pace: number): Patient {
  const { root } = project;
  const cast = () => castOf(root, realpathSync(`${root}/.ikigai/db`));
  const connect = async () => {
    const client = new pg.Client({
      ...ownerLogin(project),
      ...{ connectionTimeoutMillis: 2_000, application_name: "faults" },
      ...{ options: "-c synchronous_commit=on", query_timeout: 20_000 },
    });
    // The server may be killed during a connection.
    client.on("error", () => {});
    await client.connect();
    return client;
  };
  const using = async <T>(work: (client: pg.Client) => Promise<T>): Promise<T> => {
    const client = await connect();
    try {
      return await work(client);
    } finally {
      await client.end();
    }
  };
  const rows = new Rows(new Ledger(connect, schemaOf("main"), pace), using);
  const look = async (): Promise<Findings> => {
    const wrong = await answersWrong(project, worktrees);
    const now = cast();
    wrong.push(...processesMissing(now, worktrees, root));
    const files = filesLeft(root, worktrees).map((path) => `file of nobody: ${path}`);
    const left = [...processesLeft(now, worktrees, root), ...files];
    const [lost, schemas] = await using(async (client) => [
      await rows.lost(client, worktrees),
      await schemasLeft(client, worktrees),
    ]);
    return { wrong, lost, left: [...left, ...schemas] };
  };
  return {
    project,
    cast,
    worktrees,
    rows,
    add: async (name) => {
      rows.added(name);
      await project.git(".", "worktree", "add", "-q", "-b", name, project.worktree(name), "main");
      worktrees.add(name);
    },
    remove: async (name) => {
      await rows.removing(name);
      worktrees.delete(name);
      await project.git(".", "worktree", "remove", "--force", project.worktree(name));
    },
    complaints: async () => all(await look()),
    sql: (text) => using(async (client) => (await client.query(text)).rows),
    recovers: (deadline = 20_000) => recovered(look, deadline),
    [Symbol.asyncDispose]: async () => {
      await rows[Symbol.asyncDispose]();
      await project[Symbol.asyncDispose]();
    },
  };
}

const all = ({ wrong, lost, left }: Findings) => [...wrong, ...lost, ...left];

async function recovered(look: () => Promise<Findings>, deadline: number): Promise<number> {
  const begin = performance.now();
  let last: Findings = { wrong: ["never looked at"], lost: [], left: [] };
  while (performance.now() - begin < deadline) {
    last = await look().catch((error) => ({ ...last, wrong: [String(error)] }));
    if (all(last).length === 0) {
      keepCount(last);
      return Math.round(performance.now() - begin);
    }
    await new Promise((resolve) => setTimeout(resolve, 50));
  }
  keepCount(last);
  tell({ fault: expect.getState().currentTestName ?? "the beginning", note: "not recovered" });
  throw new Error(`Not well after ${deadline} ms:\n  ${all(last).join("\n  ")}`);
}

/** Checks that the daemon answers and is idle, and that each worktree answers. */
async function answersWrong(
  project: TestProject,
  worktrees: ReadonlySet<string>,
): Promise<string[]> {
  const found: string[] = [];
  const socketPath = `${project.root}/.ikigai/daemon.sock`;
  const health = await ask(0, "/v1/health", { socketPath, timeout: 5_000 });
  if (!health.json<{ ready: boolean }>().ready) found.push("the daemon is not ready");
  const plan = (await ask(0, "/v1/plan", { socketPath })).json<unknown>() as PlanReport;
  found.push(...plan.steps.map(({ kind, action, key }) => `to do: ${action} ${kind} ${key}`));
  found.push(...plan.problems);
  for (const worktree of worktrees) {
    const answer = await project.http(`/${worktree}/api/x`, { timeout: 20_000 });
    if (answer.status !== 200) found.push(`${worktree} answers ${answer.status}`);
    else {
      const said = answer.json<{ worktree: string }>().worktree;
      if (said !== worktree) found.push(`${worktree} is answered by ${said}`);
    }
  }
  return found;
}
