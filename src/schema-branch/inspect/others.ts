import type pg from "pg";
import type { Inventory } from "./inventory.ts";
import type { MadeRow } from "./operators.ts";

const quoted = (oid: string) =>
  `(SELECT quote_ident(n.nspname) FROM pg_namespace n WHERE n.oid = ${oid})`;

/**
 * Runs a query for `MadeRow`s. `create` may contain several statements, separated by a line with only a
 * semicolon.
 */
async function read(
  client: pg.Client,
  sql: string,
  namespace: number,
  oids: number[],
): Promise<MadeRow[]> {
  if (oids.length === 0) return [];
  return (await client.query<MadeRow>(sql, [namespace, oids])).rows;
}

/** Reads collations. ICU's locale has been in three columns (15: colliculocale, 17: colllocale). */
export async function readCollations(client: pg.Client, namespace: number, inventory: Inventory) {
  return read(
    client,
    `SELECT c.oid::int8::float8 AS oid, c.collname AS name, pg_get_userbyid(c.collowner) AS owner,
        'COLLATION ' || x.self AS object,
        'COLLATION ' || x.self || ' (PROVIDER = ' || CASE c.collprovider WHEN 'i' THEN 'icu' WHEN 'b' THEN 'builtin' ELSE 'libc' END ||
          coalesce(', LC_COLLATE = ' || quote_literal(c.collcollate) || ', LC_CTYPE = ' || quote_literal(c.collctype), '') ||
          coalesce(', LOCALE = ' || quote_literal(coalesce(j->>'colllocale', j->>'colliculocale')), '') ||
          coalesce(', RULES = ' || quote_literal(j->>'collicurules'), '') ||
          CASE WHEN NOT c.collisdeterministic THEN ', DETERMINISTIC = false' ELSE '' END || ')' AS create
       FROM pg_collation c, LATERAL (SELECT to_jsonb(c) AS j, ${quoted("c.collnamespace")} || '.' || quote_ident(c.collname) AS self) x
      WHERE c.oid = ANY ($2::oid[]) AND c.collnamespace = $1 ORDER BY c.oid`,
    namespace,
    inventory.of("pg_collation"),
  );
}

export async function readConversions(client: pg.Client, namespace: number, inventory: Inventory) {
  return read(
    client,
    `SELECT c.oid::int8::float8 AS oid, c.conname AS name, pg_get_userbyid(c.conowner) AS owner,
        'CONVERSION ' || x.self AS object,
        CASE WHEN c.condefault THEN 'DEFAULT ' ELSE '' END || 'CONVERSION ' || x.self || ' FOR ' ||
          quote_literal(pg_encoding_to_char(c.conforencoding)) || ' TO ' ||
          quote_literal(pg_encoding_to_char(c.contoencoding)) || ' FROM ' || c.conproc AS create
       FROM pg_conversion c, LATERAL (SELECT ${quoted("c.connamespace")} || '.' || quote_ident(c.conname) AS self) x
      WHERE c.oid = ANY ($2::oid[]) AND c.connamespace = $1 ORDER BY c.oid`,
    namespace,
    inventory.of("pg_conversion"),
  );
}

export async function readDictionaries(client: pg.Client, namespace: number, inventory: Inventory) {
  return read(
    client,
    `SELECT d.oid::int8::float8 AS oid, d.dictname AS name, pg_get_userbyid(d.dictowner) AS owner,
        'TEXT SEARCH DICTIONARY ' || x.self AS object,
        'TEXT SEARCH DICTIONARY ' || x.self || ' (TEMPLATE = ' || ${quoted("t.tmplnamespace")} || '.' || quote_ident(t.tmplname) ||
          coalesce(', ' || d.dictinitoption, '') || ')' AS create
       FROM pg_ts_dict d JOIN pg_ts_template t ON t.oid = d.dicttemplate,
       LATERAL (SELECT ${quoted("d.dictnamespace")} || '.' || quote_ident(d.dictname) AS self) x
      WHERE d.oid = ANY ($2::oid[]) AND d.dictnamespace = $1 ORDER BY d.oid`,
    namespace,
    inventory.of("pg_ts_dict"),
  );
}

export async function readConfigurations(
  client: pg.Client,
  namespace: number,
  inventory: Inventory,
) {
  return read(
    client,
    `SELECT c.oid::int8::float8 AS oid, c.cfgname AS name, pg_get_userbyid(c.cfgowner) AS owner,
        'TEXT SEARCH CONFIGURATION ' || x.self AS object,
        'TEXT SEARCH CONFIGURATION ' || x.self || ' (PARSER = ' || ${quoted("p.prsnamespace")} || '.' || quote_ident(p.prsname) || ')' ||
        coalesce((SELECT string_agg(E'\\n;\\nALTER TEXT SEARCH CONFIGURATION ' || x.self || ' ADD MAPPING FOR ' || quote_ident(m.alias) ||
            ' WITH ' || m.dicts, '' ORDER BY m.tokid)
          FROM (SELECT k.tokid, k.alias, string_agg(${quoted("d.dictnamespace")} || '.' || quote_ident(d.dictname), ', ' ORDER BY m.mapseqno) AS dicts
                  FROM pg_ts_config_map m JOIN pg_ts_dict d ON d.oid = m.mapdict
                  JOIN ts_token_type(c.cfgparser) k ON k.tokid = m.maptokentype
                 WHERE m.mapcfg = c.oid GROUP BY k.tokid, k.alias) m), '') AS create
       FROM pg_ts_config c JOIN pg_ts_parser p ON p.oid = c.cfgparser,
       LATERAL (SELECT ${quoted("c.cfgnamespace")} || '.' || quote_ident(c.cfgname) AS self) x
      WHERE c.oid = ANY ($2::oid[]) AND c.cfgnamespace = $1 ORDER BY c.oid`,
    namespace,
    inventory.of("pg_ts_config"),
  );
}

export async function readStatistics(client: pg.Client, namespace: number, inventory: Inventory) {
  return read(
    client,
    `SELECT s.oid::int8::float8 AS oid, s.stxname AS name, pg_get_userbyid(s.stxowner) AS owner,
        'STATISTICS ' || x.self AS object,
        regexp_replace(pg_get_statisticsobjdef(s.oid), '^CREATE ', '') ||
          CASE WHEN s.stxstattarget >= 0 THEN E'\\n;\\nALTER STATISTICS ' || x.self || ' SET STATISTICS ' || s.stxstattarget ELSE '' END AS create
       FROM pg_statistic_ext s, LATERAL (SELECT ${quoted("s.stxnamespace")} || '.' || quote_ident(s.stxname) AS self) x
      WHERE s.oid = ANY ($2::oid[]) AND s.stxnamespace = $1 ORDER BY s.oid`,
    namespace,
    inventory.of("pg_statistic_ext"),
  );
}

export interface DefaultAclRow {
  oid: number;
  role: string;
  objects: string;
  acl: { grantor: string; grantee: string | null; privilege: string; grantable: boolean }[];
}

/** Reads default privileges limited to the schema; these can only add privileges. */
export async function readDefaultAcls(
  client: pg.Client,
  namespace: number,
): Promise<DefaultAclRow[]> {
  const { rows } = await client.query<DefaultAclRow>(
    `SELECT d.oid::int8::float8 AS oid, pg_get_userbyid(d.defaclrole) AS role,
        CASE d.defaclobjtype WHEN 'r' THEN 'TABLES' WHEN 'S' THEN 'SEQUENCES' WHEN 'f' THEN 'ROUTINES' ELSE 'TYPES' END AS objects,
        (SELECT coalesce(json_agg(json_build_object('grantor', pg_get_userbyid(a.grantor),
           'grantee', CASE WHEN a.grantee <> 0 THEN pg_get_userbyid(a.grantee) END,
           'privilege', a.privilege_type, 'grantable', a.is_grantable)), '[]') FROM aclexplode(d.defaclacl) a) AS acl
       FROM pg_default_acl d WHERE d.defaclnamespace = $1 ORDER BY d.oid`,
    [namespace],
  );
  return rows;
}

export interface CommentRow {
  key: string;
  sub: number;
  type: string;
  identity: string;
  text: string;
}

export async function readComments(client: pg.Client, inventory: Inventory): Promise<CommentRow[]> {
  const { rows } = await client.query<CommentRow>(
    `SELECT k.key, d.objsubid AS sub, i.type, i.identity, d.description AS text
       FROM unnest($1::text[]) AS k(key)
       JOIN pg_description d ON d.classoid = split_part(k.key, ':', 1)::regclass AND d.objoid = split_part(k.key, ':', 2)::oid,
       LATERAL pg_identify_object(d.classoid, d.objoid, d.objsubid) i`,
    [[...inventory.keys]],
  );
  return rows;
}

export interface ExtensionLinkRow {
  key: string;
  type: string;
  identity: string;
  extension: string;
}

/** Reads which objects were made to depend on an extension (ALTER … DEPENDS ON EXTENSION). */
export async function readExtensionLinks(
  client: pg.Client,
  inventory: Inventory,
): Promise<ExtensionLinkRow[]> {
  const linked = inventory.edges.filter((edge) => edge.type === "x");
  if (linked.length === 0) return [];
  const { rows } = await client.query<ExtensionLinkRow>(
    `SELECT k.f AS key, i.type, i.identity, e.extname AS extension
       FROM unnest($1::text[], $2::text[]) AS k(f, t)
       JOIN pg_extension e ON k.t = 'pg_extension:' || e.oid,
       LATERAL pg_identify_object(split_part(k.f, ':', 1)::regclass, split_part(k.f, ':', 2)::oid, 0) i`,
    [linked.map((edge) => edge.from), linked.map((edge) => edge.to)],
  );
  return rows;
}
