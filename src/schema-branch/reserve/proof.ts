import type pg from "pg";
import { ident } from "../sql.ts";

/**
 * Proves, without reading them, that a table's rows are unchanged since they were copied.
 *
 * VACUUM sets a bit in the visibility map for each page whose rows all transactions see. Every insert, update
 * and delete clears its page's bit before it commits, and setting the bit again writes the log position (LSN)
 * into the map's own page; both survive a crash, because recovery replays them. So if all bits were set, and
 * the map (bits and LSNs), the number of pages and the file are still the same, no row has changed in
 * between. What cannot be proven counts as changed.
 */
export type Proof = string | null;

/** A table's state, to be compared with an earlier one. */
export interface TableState {
  readonly oid: number;
  readonly name: string;
  readonly kind: "r" | "m";
  /** Size of the rows, without indexes. */
  readonly bytes: number;
  /** Equals an earlier value only if no row has changed; null if nothing can be proven. */
  readonly state: Proof;
}

/** Returns the schema of pageinspect; null if it is not installed. */
async function inspector(client: pg.Client): Promise<string | null> {
  const { rows } = await client.query<{ name: string }>(
    "SELECT n.nspname AS name FROM pg_extension e JOIN pg_namespace n ON n.oid = e.extnamespace WHERE e.extname = 'pageinspect'",
  );
  return rows[0]?.name ?? null;
}

/**
 * Installs pageinspect in the shared schema.
 *
 * @throws if this PostgreSQL does not include it
 */
export async function ensureInspector(client: pg.Client): Promise<void> {
  if ((await inspector(client)) === null)
    await client.query("CREATE EXTENSION IF NOT EXISTS pageinspect SCHEMA extensions");
}

/** A map page's LSN and bits. Skips the checksum between them, which is valid only on disk. */
const mapOf = (page: string) =>
  `string_agg(substring(${page} FROM 1 FOR 8) || substring(${page} FROM 25), ''::bytea ORDER BY n)`;

/** Returns the current states of all tables and materialized views of a schema. */
export async function readStates(client: pg.Client, schema: string): Promise<TableState[]> {
  const where = await inspector(client);
  if (where === null) return [];
  const page = `${ident(where)}.get_raw_page(c.oid::regclass::text, 'vm', n)`;
  const { rows } = await client.query<TableState>(
    `SELECT c.oid::int8::float8 AS oid, c.relname AS name, c.relkind AS kind,
        pg_table_size(c.oid)::float8 AS bytes,
        CASE WHEN c.relpersistence = 'p' THEN concat_ws(':', pg_relation_filenode(c.oid), pg_relation_size(c.oid), c.relispopulated,
          (SELECT md5(${mapOf(page)}) FROM generate_series(0, pg_relation_size(c.oid, 'vm') / 8192 - 1) n)) END AS state
       FROM pg_namespace s
       JOIN pg_depend d ON d.refclassid = 'pg_namespace'::regclass AND d.refobjid = s.oid AND d.classid = 'pg_class'::regclass
       JOIN pg_class c ON c.oid = d.objid
      WHERE s.nspname = $1 AND c.relkind IN ('r', 'm') ORDER BY c.oid`,
    [schema],
  );
  return rows;
}

/**
 * Returns states for later proofs: null unless every page of the table is marked all-visible now. Run VACUUM
 * before, and take the snapshot to copy from afterwards.
 */
export async function readProofs(client: pg.Client, schema: string): Promise<TableState[]> {
  const states = await readStates(client, schema);
  const where = await inspector(client);
  const page = `${ident(where ?? "extensions")}.get_raw_page(c.oid::regclass::text, 'vm', n)`;
  const { rows } = await client.query<{ oid: number; pages: string; map: Buffer | null }>(
    `SELECT c.oid::int8::float8 AS oid, pg_relation_size(c.oid) / 8192 AS pages,
        (SELECT string_agg(substring(${page} FROM 25), ''::bytea ORDER BY n)
           FROM generate_series(0, pg_relation_size(c.oid, 'vm') / 8192 - 1) n) AS map
       FROM pg_class c WHERE c.oid = ANY ($1::oid[])`,
    [states.map((each) => each.oid)],
  );
  const whole = new Set(
    rows.filter((row) => allVisible(row.map, Number(row.pages))).map((row) => row.oid),
  );
  // Read again, because a state that changed while the bits were read proves nothing.
  const again = new Map((await readStates(client, schema)).map((each) => [each.oid, each.state]));
  return states.map((each) => ({
    ...each,
    state: whole.has(each.oid) && again.get(each.oid) === each.state ? each.state : null,
  }));
}

/** Tells whether all pages are all-visible: the lower of two bits per page (PostgreSQL's visibilitymap.c). */
export function allVisible(map: Uint8Array | null, pages: number): boolean {
  for (let page = 0; page < pages; page++) {
    const byte = map?.[page >> 2] ?? 0;
    if (((byte >> ((page & 3) * 2)) & 1) === 0) return false;
  }
  return true;
}
