import { randomBytes } from "node:crypto";
import pg from "pg";
import { dropEmptySchema, dropOwnSchema } from "./drop.ts";
import { BUILD_MARK, markOf, register } from "./registry.ts";
import type { ReadableRelation } from "./relation.ts";
import { scramVerifier } from "./scram.ts";
import { prepareSession } from "./session.ts";
import { ident, literal, qualified } from "./sql.ts";

/**
 * A temporary role for one build, as which everything runs that might evaluate code from a worktree: a
 * function in an expression has the rights of the role that runs it, and SET ROLE cannot leave a session's
 * own role. It can read the base and owns what is built, and nothing else.
 */
export interface BuildRole {
  /** Names the role, the advisory lock that marks it as in use, and the schema that is built. */
  readonly name: string;
  readonly password: string;
  /** Where each table or sequence of the base can be read, by OID. */
  readonly places: ReadonlyMap<number, ReadableRelation>;
}

interface Found {
  oid: number;
  name: string;
  kind: "r" | "S";
  own: boolean;
  full: boolean;
}

/** Number of views created or dropped per transaction: each holds several locks until it ends. */
const BATCH = 50;

/** Returns the schema of the views through which a worker reads relations of other owners than the base's. */
export function proxySchemaOf(worker: string): string {
  return `${worker}_lens`;
}

/**
 * Creates the role, protected by an advisory lock until the connection ends or unlocks it. The views show
 * tables and sequences of other owners and call no functions.
 *
 * @param options `member`: an additional role of which to become a member; `lens`: whether to create the
 * views
 */
export async function createBuildRole(
  client: pg.Client,
  name: string,
  base: string,
  options: { readonly member?: string; readonly lens?: boolean },
): Promise<BuildRole> {
  const { rows } = await client.query<{
    owner: string | null;
    spaces: string[];
    servers: string[];
    found: Found[];
  }>(options.member === undefined ? FACTS : OWNER, [base]);
  const { owner = null, spaces = [], servers = [], found = [] } = rows[0] ?? {};
  const lens = proxySchemaOf(name);
  const places = new Map(
    found.map((each): [number, ReadableRelation] => {
      const from = qualified(each.own ? base : lens, each.name);
      const { oid, ...facts } = each;
      return [oid, { ...facts, full: each.own && each.full, from }];
    }),
  );
  const foreign = options.lens ? [...places.values()].filter(({ own }) => !own) : [];
  // Random and long, so one iteration is enough: more would only slow down guessing.
  const password = randomBytes(24).toString("base64url");
  const role = ident(name);
  const members = [owner, options.member ?? null].filter((each) => each !== null);
  const statements = [
    // Losing the role in a crash does no harm.
    "SET LOCAL synchronous_commit = off",
    `CREATE ROLE ${role} LOGIN BYPASSRLS NOCREATEDB NOCREATEROLE NOREPLICATION`,
    `UPDATE pg_catalog.pg_authid SET rolpassword = ${literal(await scramVerifier(password, 1))} WHERE rolname = ${literal(name)}`,
    `COMMENT ON ROLE ${role} IS ${literal(BUILD_MARK)}`,
    // A role setting needs no privilege of the role, and no function can switch it off for the session.
    `ALTER ROLE ${role} SET session_replication_role = replica`,
    ...members.map((member) => `GRANT ${ident(member)} TO ${role}`),
    ...spaces.map((space) => `GRANT CREATE ON TABLESPACE ${ident(space)} TO ${role}`),
    ...servers.map((server) => `GRANT USAGE ON FOREIGN SERVER ${ident(server)} TO ${role}`),
  ];
  if (foreign.length > 0)
    statements.push(
      `CREATE SCHEMA ${ident(lens)}`,
      register(lens, BUILD_MARK),
      `GRANT USAGE ON SCHEMA ${ident(lens)} TO ${role}`,
    );
  await client.query("SELECT pg_advisory_lock(hashtextextended($1, 0))", [name]);
  try {
    await client.query(statements.join(";\n"));
    for (let at = 0; at < foreign.length; at += BATCH) {
      const views = foreign.slice(at, at + BATCH).map((place) => proxyView(base, place, role));
      await client.query(views.join(";\n"));
    }
  } catch (error) {
    // The connection may return to a pool, so clean up now. Without the lock, whatever remains is swept
    // later.
    await removeBuildRole(client, name).catch(() => undefined);
    await unlockWorker(client, name).catch(() => undefined);
    throw error;
  }
  return { name, password, places };
}

/** Releases the lock that marks a worker as in use; the end of its connection does too. */
export async function unlockWorker(client: pg.Client, name: string): Promise<void> {
  await client.query("SELECT pg_advisory_unlock(hashtextextended($1, 0))", [name]);
}

function proxyView(base: string, { name, kind, from }: ReadableRelation, role: string): string {
  const columns = kind === "S" ? "last_value, is_called" : `t.ctid AS ${PROXY_CTID}, t.*`;
  return `CREATE VIEW ${from} AS SELECT ${columns} FROM ONLY ${qualified(base, name)} t; GRANT SELECT ON ${from} TO ${role}`;
}

/** The column with a row's ctid in a proxy view, which has no ctid of its own. */
export const PROXY_CTID = "ikigai_ctid";

/** `owner` is null if the base's owner is a superuser, whose rights the worker must not get. */
const FACTS = `SELECT CASE WHEN NOT r.rolsuper THEN r.rolname END AS owner,
    ARRAY(SELECT DISTINCT s.spcname::text FROM pg_tablespace s JOIN pg_class c ON c.reltablespace = s.oid
           WHERE s.spcname !~ '^pg_' AND c.relnamespace = n.oid) AS spaces,
    ARRAY(SELECT DISTINCT s.srvname::text FROM pg_foreign_table t JOIN pg_foreign_server s ON s.oid = t.ftserver
           JOIN pg_class c ON c.oid = t.ftrelid WHERE c.relnamespace = n.oid) AS servers,
    (SELECT coalesce(json_agg(json_build_object('oid', c.oid::int8, 'name', c.relname, 'kind', c.relkind,
        'own', NOT r.rolsuper AND c.relowner = n.nspowner AND has_schema_privilege(n.nspowner, n.oid, 'USAGE')
          AND has_table_privilege(c.relowner, c.oid, 'SELECT'),
        'full', has_table_privilege(c.relowner, c.oid, 'UPDATE') AND (c.relkind = 'S'
          OR has_table_privilege(c.relowner, c.oid, 'INSERT') AND has_table_privilege(c.relowner, c.oid, 'DELETE'))) ORDER BY c.oid), '[]')
       FROM pg_depend d JOIN pg_class c ON c.oid = d.objid
      WHERE d.refclassid = 'pg_namespace'::regclass AND d.refobjid = n.oid AND d.classid = 'pg_class'::regclass
        AND c.relkind IN ('r', 'S')) AS found
   FROM pg_namespace n JOIN pg_roles r ON r.oid = n.nspowner WHERE n.nspname = $1`;

/** Enough to run statements that were generated earlier. */
const OWNER =
  "SELECT r.rolname AS owner FROM pg_namespace n JOIN pg_roles r ON r.oid = n.nspowner WHERE n.nspname = $1 AND NOT r.rolsuper";

/** Opens a session as the worker on the server of `client`. */
export async function connectAs(
  client: pg.Client,
  worker: BuildRole,
  path: string,
  lockTimeoutMs: number,
): Promise<pg.Client> {
  const session = new pg.Client({
    host: client.host,
    port: client.port,
    database: client.database ?? "ikigai",
    user: worker.name,
    password: worker.password,
    connectionTimeoutMillis: 5_000,
  });
  session.on("error", () => undefined);
  await session.connect();
  await prepareSession(session, lockTimeoutMs, path);
  return session;
}

/**
 * Creates the empty schema that the worker builds, and disables the worker's login: nobody can connect as the
 * worker from now on, even with a password that a function set.
 */
export async function createBuild(client: pg.Client, worker: BuildRole): Promise<void> {
  const name = ident(worker.name);
  const statements = [
    `ALTER ROLE ${name} NOLOGIN`,
    `CREATE SCHEMA ${name} AUTHORIZATION ${name}`,
    register(worker.name, BUILD_MARK),
  ];
  await client.query(statements.join(";\n"));
}

/**
 * Returns a statement that drops a role created by this library, and everything that functions created as
 * this role. Other roles stay.
 */
export function dropRole(name: string): string {
  return `DO $do$ BEGIN IF EXISTS (SELECT FROM pg_catalog.pg_roles WHERE rolname = ${literal(name)}
      AND shobj_description(oid, 'pg_authid') = ${literal(BUILD_MARK)}) THEN
    DROP OWNED BY ${ident(name)}; DROP ROLE ${ident(name)}; END IF; END $do$`;
}

/** Drops the views through which a worker has read. */
export async function dropProxyViews(client: pg.Client, worker: string): Promise<void> {
  const lens = proxySchemaOf(worker);
  if ((await markOf(client, lens)) !== BUILD_MARK) return;
  for (;;) {
    const { rows } = await client.query<{ name: string }>(
      `SELECT c.relname AS name FROM pg_namespace n JOIN pg_class c ON c.relnamespace = n.oid
        WHERE n.nspname = $1 AND c.relkind = 'v' LIMIT ${BATCH}`,
      [lens],
    );
    if (rows.length === 0) break;
    await client.query(`DROP VIEW ${rows.map(({ name }) => qualified(lens, name)).join(", ")}`);
  }
  await client.query(dropEmptySchema(lens));
}

/** Ends a worker's sessions and removes the role and its schemas. */
export async function removeBuildRole(client: pg.Client, name: string): Promise<void> {
  await client.query("SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE usename = $1", [
    name,
  ]);
  await dropOwnSchema(client, name);
  await dropProxyViews(client, name);
  await client.query(dropRole(name));
}
