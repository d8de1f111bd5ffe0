import type pg from "pg";
import type { Refusal } from "../refusal.ts";
import type { Note } from "../types.ts";

interface Leftover {
  key: string;
  type: string;
  identity: string;
  /** The schema that contains it, or that of its table or type; null if there is none. */
  schema: string | null;
}

/**
 * Classifies objects that depend on the schema but are not built. Ignores those in other schemas, which stay
 * with the base; refuses or notes everything else by name.
 */
export async function classifyUnsupported(
  client: pg.Client,
  keys: readonly string[],
  as: string,
): Promise<{ refusals: Refusal[]; notes: Note[] }> {
  if (keys.length === 0) return { refusals: [], notes: [] };
  const of = (relation: string) =>
    `(SELECT n.nspname FROM pg_class r JOIN pg_namespace n ON n.oid = r.relnamespace WHERE r.oid = ${relation})`;
  const { rows } = await client.query<Leftover>(
    `SELECT k.key, i.type, i.identity, coalesce(i.schema, CASE c.class
        WHEN 'pg_constraint'::regclass THEN (SELECT n.nspname FROM pg_constraint x JOIN pg_namespace n ON n.oid = x.connamespace WHERE x.oid = c.id)
        WHEN 'pg_trigger'::regclass THEN (SELECT CASE WHEN x.tgisinternal THEN 'pg_toast' ELSE ${of("x.tgrelid")} END FROM pg_trigger x WHERE x.oid = c.id)
        WHEN 'pg_rewrite'::regclass THEN (SELECT ${of("x.ev_class")} FROM pg_rewrite x WHERE x.oid = c.id)
        WHEN 'pg_policy'::regclass THEN (SELECT ${of("x.polrelid")} FROM pg_policy x WHERE x.oid = c.id)
        WHEN 'pg_attrdef'::regclass THEN (SELECT ${of("x.adrelid")} FROM pg_attrdef x WHERE x.oid = c.id)
        WHEN 'pg_amop'::regclass THEN (SELECT n.nspname FROM pg_amop x JOIN pg_opfamily f ON f.oid = x.amopfamily JOIN pg_namespace n ON n.oid = f.opfnamespace WHERE x.oid = c.id)
        WHEN 'pg_amproc'::regclass THEN (SELECT n.nspname FROM pg_amproc x JOIN pg_opfamily f ON f.oid = x.amprocfamily JOIN pg_namespace n ON n.oid = f.opfnamespace WHERE x.oid = c.id)
        END) AS schema
       FROM unnest($1::text[]) AS k(key),
       LATERAL (SELECT split_part(k.key, ':', 1)::regclass AS class, split_part(k.key, ':', 2)::oid AS id) c,
       LATERAL pg_identify_object(c.class, c.id, 0) i`,
    [keys],
  );
  const refusals: Refusal[] = [];
  const notes: Note[] = [];
  for (const row of rows) {
    if (row.schema !== null && row.schema !== as) continue;
    const known = NOTED[row.type];
    if (known !== undefined) notes.push({ object: row.identity, text: known });
    else refusals.push(refusal(row, as));
  }
  return { refusals, notes };
}

const NOTED: Readonly<Record<string, string>> = {
  "publication relation": "the branch's table is not a member: its changes are not published",
  "publication namespace": "the branch's schema is not a member: its changes are not published",
  "event trigger": "it stays with the base's function",
};

function refusal(row: Leftover, as: string): Refusal {
  const object = row.identity.replaceAll(`${as}.`, "");
  if (row.type === "extension")
    return {
      object,
      kind: "extension",
      why: "extensions belong in the shared schema; dropping this one would take its objects along",
      next: `ALTER EXTENSION ${object} SET SCHEMA extensions`,
    };
  return {
    object,
    kind: row.type,
    why: "objects of this kind cannot be branched",
    next: "move it to the shared schema or drop it",
  };
}
