import { readdirSync, readFileSync } from "node:fs";
import { basename, join } from "node:path";
import pg from "pg";
import { ownerLogin } from "../support/owner.ts";
import { makeProject, type ProjectOptions, type TestProject } from "../support/project.ts";
import { waitFor } from "../support/wait.ts";

/** Makes a project and runs `ikigai start`. */
export async function startProject(options: ProjectOptions = {}): Promise<TestProject> {
  const project = await makeProject({
    ...options,
    config: { database: { branch: "empty" }, ...options.config },
  });
  const { exitCode, stderr } = await project.ikigai("start");
  if (exitCode === 0) return project;
  await project.dispose();
  throw new Error(`ikigai start: ${stderr}`);
}

/** Runs a statement as the database's owner; returns its rows. */
export async function sql<Row extends pg.QueryResultRow>(
  project: TestProject,
  text: string,
): Promise<Row[]> {
  const client = new pg.Client(ownerLogin(project));
  await client.connect();
  try {
    return (await client.query<Row>(text)).rows;
  } finally {
    await client.end();
  }
}

/** What ikigai has made for each worktree, by slug: an orphan shows as an extra slug. */
export interface Provisioned {
  readonly schemas: readonly string[];
  readonly roles: readonly string[];
  readonly routes: readonly string[];
  readonly sockets: readonly string[];
  readonly environments: readonly string[];
  /** `<slug>.<service>`. */
  readonly services: readonly string[];
}

export async function provisioned(project: TestProject): Promise<Provisioned> {
  const ikigai = join(project.root, ".ikigai");
  const names = (path: string) => readdirSync(join(ikigai, path)).filter((n) => !n.startsWith("."));
  const slug = (name: string) => name.slice(3).replaceAll("_", "-");
  const schemas = await sql<{ name: string }>(
    project,
    "SELECT nspname AS name FROM pg_namespace WHERE nspname LIKE 'wt\\_%'",
  );
  const roles = await sql<{ name: string }>(
    project,
    "SELECT rolname AS name FROM pg_roles WHERE rolname LIKE 'wt\\_%'",
  );
  return {
    schemas: schemas.map(({ name }) => slug(name)).sort(),
    roles: roles.map(({ name }) => slug(name)).sort(),
    routes: names("httpd/root").sort(),
    sockets: names("run/sockets").sort(),
    environments: names("run/env")
      .flatMap((n) => (n.endsWith(".sh") ? [n.slice(0, -3)] : []))
      .sort(),
    services: names("run/services").sort(),
  };
}

/** Returns git's names of the worktrees that `git worktree list` shows and would not prune. */
export async function listedByGit(project: TestProject, at = "."): Promise<string[]> {
  const text = await project.git(at, "worktree", "list", "--porcelain", "-z");
  return text
    .split("\0\0")
    .map((record) => record.split("\0"))
    .filter((lines) => lines[0]?.startsWith("worktree ") && !lines.includes("bare"))
    .filter((lines) => !lines.some((line) => line.startsWith("prunable")))
    .map((lines) => nameOf((lines[0] ?? "").slice("worktree ".length)))
    .sort();
}

/** A linked worktree's administrative directory names it; an ordinary clone's own is "main". */
function nameOf(top: string): string {
  try {
    return basename(readFileSync(join(top, ".git"), "utf8").trim());
  } catch {
    return "main";
  }
}

/**
 * Waits until exactly the worktrees that git lists have exactly one set each.
 * Names must be slugs already.
 */
export async function converged(project: TestProject, deadline = 10_000): Promise<Provisioned> {
  return await waitFor(
    async () => {
      const names = await listedByGit(project);
      const found = await provisioned(project);
      for (const kind of ["schemas", "roles", "routes", "sockets", "environments"] as const) {
        same(kind, found[kind], names);
      }
      const owners = [...new Set(found.services.map((name) => name.split(".")[0] ?? ""))];
      const strangers = owners.filter((name) => !names.includes(name));
      if (strangers.length > 0) throw new Error(`services of ${strangers} are left`);
      return found;
    },
    { deadline, what: "what is provisioned to be what git lists" },
  );
}

function same(kind: string, found: readonly string[], wanted: readonly string[]): void {
  if (found.join() !== wanted.join()) {
    throw new Error(`${kind}: ${found.join() || "none"}, but git lists ${wanted.join() || "none"}`);
  }
}

/** Returns the mark of a worktree's schema. */
export async function identityOf(project: TestProject, schema: string): Promise<string> {
  const [row] = await sql<{ mark: string | null }>(
    project,
    `SELECT mark FROM ikigai_registry.schemas WHERE name = '${schema}'`,
  );
  const mark: unknown = JSON.parse((row?.mark ?? "ikigai:{}").slice("ikigai:".length));
  return typeof mark === "object" && mark && "identity" in mark ? String(mark.identity) : "";
}

/** Puts a note into a worktree's schema, so that its data can be identified. */
export async function writeNote(project: TestProject, schema: string, text: string): Promise<void> {
  await sql(
    project,
    `SET ROLE ${schema}; CREATE TABLE IF NOT EXISTS ${schema}.note (text text); INSERT INTO ${schema}.note VALUES ('${text}')`,
  );
}

/** Reads the note; undefined where there is none. */
export async function readNote(project: TestProject, schema: string): Promise<string | undefined> {
  const tables = await sql(project, `SELECT 1 WHERE to_regclass('${schema}.note') IS NOT NULL`);
  if (tables.length === 0) return undefined;
  const rows = await sql<{ text: string }>(project, `SELECT text FROM ${schema}.note`);
  return rows.map(({ text }) => text).join();
}

export function daemonLog({ root }: TestProject): string {
  return readFileSync(join(root, ".ikigai/logs/daemon/current"), "utf8");
}

/** Ages the data of removed worktrees by so many milliseconds. */
export async function advanceRetentionClock(project: TestProject, by: number): Promise<void> {
  const [row] = await sql<{ comment: string }>(
    project,
    "SELECT shobj_description(oid, 'pg_authid') AS comment FROM pg_roles WHERE rolname = 'ikigai'",
  );
  const prefix = "ikigai:clock ";
  const clock = JSON.parse(row?.comment.slice(prefix.length) ?? "") as { at: number };
  const text = prefix + JSON.stringify({ ...clock, at: clock.at + by });
  await sql(project, `COMMENT ON ROLE ikigai IS '${text}'`);
}
