import { readdirSync } from "node:fs";
import type pg from "pg";
import { type Cast, orphansOf } from "./roles.ts";

export const schemaOf = (worktree: string) => `wt_${worktree.replaceAll("-", "_")}`;

/** Lists processes that run twice, that are unsupervised, or that serve no worktree. */
export function processesLeft(cast: Cast, worktrees: ReadonlySet<string>, root: string): string[] {
  const found: string[] = [];
  const twice = (what: string, list: readonly unknown[]) => {
    if (list.length > 1) found.push(`${list.length} of: ${what}`);
  };
  twice("runsvdir", cast.runsvdir);
  twice("daemon", cast.daemon);
  twice("nginx master", cast.nginxMaster);
  twice("postmaster", cast.postmaster);
  for (const [name, list] of cast.services) {
    twice(`service ${name}`, list);
    if (!isKnown(name, worktrees)) found.push(`process of no worktree: ${name}`);
  }
  for (const place of placesIn(root)) twice(`runsv ${place}`, runsvOf(cast, place));
  for (const name of logsOf(worktrees)) twice(`svlogd ${name}`, svlogdOf(cast, name));
  for (const { pid, line } of orphansOf(cast)) found.push(`orphan ${pid}: ${line}`);
  return found;
}

/** The processes that should run. */
export function processesMissing(
  cast: Cast,
  worktrees: ReadonlySet<string>,
  root: string,
): string[] {
  const parts: [string, readonly unknown[]][] = [
    ["runsvdir", cast.runsvdir],
    ["daemon", cast.daemon],
    ["nginx master", cast.nginxMaster],
    ["postmaster", cast.postmaster],
    ...[...worktrees].map((name): [string, readonly unknown[]] => [
      `service ${name}.backend`,
      cast.services.get(`${name}.backend`) ?? [],
    ]),
    ...placesIn(root).map((place): [string, readonly unknown[]] => [
      `runsv ${place}`,
      runsvOf(cast, place),
    ]),
    ...logsOf(worktrees).map((name): [string, readonly unknown[]] => [
      `svlogd ${name}`,
      svlogdOf(cast, name),
    ]),
  ];
  return parts.filter(([, list]) => list.length === 0).map(([what]) => `0 of: ${what}`);
}

const runsvOf = (cast: Cast, place: string) => cast.runsv.filter(({ cwd }) => cwd === place);

const svlogdOf = (cast: Cast, name: string) =>
  cast.svlogd.filter(({ line }) => line.endsWith(`/logs/${name}`));

const logsOf = (worktrees: ReadonlySet<string>) => [
  "daemon",
  ...[...worktrees].map((name) => `${name}.backend`),
];

function placesIn(root: string): string[] {
  return readdirSync(`${root}/.ikigai/sv`, { withFileTypes: true })
    .filter((entry) => entry.isDirectory() && !entry.name.startsWith("."))
    .map(({ name }) => `${root}/.ikigai/sv/${name}`);
}

const isKnown = (name: string, worktrees: ReadonlySet<string>) =>
  worktrees.has(name.replace(/\..*$/, ""));

/**
 * Places with one or more entries per worktree. (`run/slots` keeps a directory for each name that
 * ever existed, which the next one of that name reuses; late lines of `run/traffic` are removed in the
 * next pass of retention.)
 */
const BY_WORKTREE = ["run/env", "run/services", "run/sockets", "httpd/root"];
const NO_WORKTREES = /^(?:daemon|nginx|postgres|spare-[0-9a-f]+)$/;

/** Lists what `run/` and `sv/` hold for no worktree, and temporary files, by path in `.ikigai`. */
export function filesLeft(root: string, worktrees: ReadonlySet<string>): string[] {
  const list = (directory: string) =>
    readdirSync(`${root}/.ikigai/${directory}`, { withFileTypes: true })
      .filter(({ name }) => !name.startsWith("."))
      .map((entry) => ({
        name: entry.name,
        path: `${directory}/${entry.name}`,
        isLink: entry.isSymbolicLink(),
      }));
  const entries = BY_WORKTREE.flatMap(list);
  // A link is the bare name of a service of the default worktree.
  const places = list("sv").filter(({ name, isLink }) => !NO_WORKTREES.test(name) && !isLink);
  const logs = list("logs").filter(({ name }) => /^[a-z0-9-]+\.(?!log)[a-z0-9-]+$/.test(name));
  const unknown = [...entries, ...places, ...logs].filter(({ name }) => !isKnown(name, worktrees));
  const temporary = temporaryFiles(root).map((path) => path.slice(`${root}/.ikigai/`.length));
  return [...unknown.map(({ path }) => path), ...temporary];
}

/** The temporary names under which files, links and directories are made before a rename. */
function temporaryFiles(root: string): string[] {
  return ["run", "sv", "scripts", "bin", "httpd"]
    .map((name) => `${root}/.ikigai/${name}`)
    .flatMap((directory) =>
      readdirSync(directory, { recursive: true })
        .map((name) => `${directory}/${name}`)
        .filter((path) => /\.[0-9a-f]{12}$|\.tmp$|\/\.new-/.test(path)),
    );
}

/**
 * Lists schemas without a mark, a role or a worktree, roles without a schema, and builds whose
 * builder has ended, which holds a lock of their name while it lives.
 */
export async function schemasLeft(
  client: pg.Client,
  worktrees: ReadonlySet<string>,
): Promise<string[]> {
  const { rows } = await client.query<{ name: string }>(
    `SELECT 'no mark: ' || nspname AS name FROM pg_namespace
      WHERE nspname LIKE 'wt\\_%' AND NOT EXISTS (SELECT FROM ikigai_registry.schemas r WHERE r.oid = pg_namespace.oid)
     UNION ALL SELECT 'no worktree: ' || nspname FROM pg_namespace
      WHERE nspname LIKE 'wt\\_%' AND nspname <> ALL ($1)
     UNION ALL SELECT 'no role: ' || nspname FROM pg_namespace n
      WHERE nspname ~ '^(wt|retired|ikigai_reserve)_' AND NOT EXISTS (SELECT FROM pg_roles r WHERE r.rolname = n.nspname)
     UNION ALL SELECT 'no schema: ' || rolname FROM pg_roles r
      WHERE rolname ~ '^(wt|retired|dropped|ikigai_build|ikigai_reserve)_' AND NOT EXISTS (SELECT FROM pg_namespace n WHERE n.nspname = r.rolname)
     UNION ALL SELECT 'unfinished: ' || nspname FROM pg_namespace
      WHERE nspname LIKE 'ikigai\\_build\\_%' AND NOT EXISTS (SELECT FROM pg_locks
        WHERE locktype = 'advisory' AND objsubid = 1 AND granted
          AND (classid::bigint << 32) | objid::bigint = hashtextextended(nspname, 0))
     UNION ALL SELECT 'strange schema: ' || nspname FROM pg_namespace
      WHERE nspname !~ '^(wt_|retired_|pg_|public$|information_schema$|extensions$|ikigai_(build|reserve)_|ikigai_registry$)'`,
    [[...worktrees].map(schemaOf)],
  );
  return rows.map(({ name }) => name);
}
