import type pg from "pg";
import type { Inventory } from "./inventory.ts";

/** An object that the server can almost define: the SQL after CREATE, and its owner. */
export interface MadeRow {
  oid: number;
  name: string;
  owner: string;
  /** Its name in ALTER … OWNER TO and COMMENT. */
  object: string;
  create: string;
}

const operatorName = (oid: string) =>
  `(SELECT 'OPERATOR(' || quote_ident(n.nspname) || '.' || x.oprname || ')' FROM pg_operator x
     JOIN pg_namespace n ON n.oid = x.oprnamespace WHERE x.oid = ${oid})`;
const typeName = (oid: string) =>
  `CASE WHEN ${oid} <> 0 THEN format_type(${oid}, NULL) ELSE 'NONE' END`;
const inSchema = (alias: string, name: string, space: string) =>
  `(SELECT quote_ident(n.nspname) FROM pg_namespace n WHERE n.oid = ${alias}.${space}) || '.' || ${alias}.${name}`;

export async function readOperators(
  client: pg.Client,
  namespace: number,
  inventory: Inventory,
): Promise<MadeRow[]> {
  const self = inSchema("o", "oprname", "oprnamespace");
  const { rows } = await client.query<MadeRow>(
    `SELECT o.oid::int8::float8 AS oid, o.oprname AS name, pg_get_userbyid(o.oprowner) AS owner,
        'OPERATOR ' || ${self} || ' (' || ${typeName("o.oprleft")} || ', ' || ${typeName("o.oprright")} || ')' AS object,
        CASE WHEN o.oprcode = 0 THEN NULL ELSE
        'OPERATOR ' || ${self} || ' (' || concat_ws(', ', 'FUNCTION = ' || o.oprcode::regproc,
          CASE WHEN o.oprleft <> 0 THEN 'LEFTARG = ' || format_type(o.oprleft, NULL) END,
          CASE WHEN o.oprright <> 0 THEN 'RIGHTARG = ' || format_type(o.oprright, NULL) END,
          'COMMUTATOR = ' || ${operatorName("o.oprcom")}, 'NEGATOR = ' || ${operatorName("o.oprnegate")},
          CASE WHEN o.oprrest <> 0 THEN 'RESTRICT = ' || o.oprrest::regproc END,
          CASE WHEN o.oprjoin <> 0 THEN 'JOIN = ' || o.oprjoin::regproc END,
          CASE WHEN o.oprcanhash THEN 'HASHES' END, CASE WHEN o.oprcanmerge THEN 'MERGES' END) || ')' END AS create
       FROM pg_operator o WHERE o.oid = ANY ($2::oid[]) AND o.oprnamespace = $1 ORDER BY o.oid`,
    [namespace, inventory.of("pg_operator")],
  );
  return rows;
}

/** A member of an operator class or family: `OPERATOR 1 …` or `FUNCTION 1 …`, and where it belongs. */
export interface MemberRow {
  key: string;
  /** The class, or the family for members added to the family alone. */
  home: string;
  text: string;
}

export async function readFamilies(client: pg.Client, namespace: number, inventory: Inventory) {
  const families = await client.query<MadeRow>(
    `SELECT f.oid::int8::float8 AS oid, f.opfname AS name, pg_get_userbyid(f.opfowner) AS owner,
        'OPERATOR FAMILY ' || o.self || ' USING ' || quote_ident(a.amname) AS object,
        'OPERATOR FAMILY ' || o.self || ' USING ' || quote_ident(a.amname) AS create
       FROM pg_opfamily f JOIN pg_am a ON a.oid = f.opfmethod,
       LATERAL (SELECT quote_ident(n.nspname) || '.' || quote_ident(f.opfname) AS self FROM pg_namespace n WHERE n.oid = f.opfnamespace) o
      WHERE f.oid = ANY ($2::oid[]) AND f.opfnamespace = $1 ORDER BY f.oid`,
    [namespace, inventory.of("pg_opfamily")],
  );
  const classes = await client.query<MadeRow & { family: number; storage: string | null }>(
    `SELECT c.oid::int8::float8 AS oid, c.opcname AS name, pg_get_userbyid(c.opcowner) AS owner,
        'OPERATOR CLASS ' || o.self || ' USING ' || quote_ident(a.amname) AS object, c.opcfamily::int8::float8 AS family,
        'OPERATOR CLASS ' || o.self || CASE WHEN c.opcdefault THEN ' DEFAULT' ELSE '' END || ' FOR TYPE ' ||
          format_type(c.opcintype, NULL) || ' USING ' || quote_ident(a.amname) || ' FAMILY ' ||
          quote_ident(n.nspname) || '.' || quote_ident(f.opfname) AS create,
        CASE WHEN c.opckeytype <> 0 THEN 'STORAGE ' || format_type(c.opckeytype, NULL) END AS storage
       FROM pg_opclass c JOIN pg_am a ON a.oid = c.opcmethod JOIN pg_opfamily f ON f.oid = c.opcfamily
       JOIN pg_namespace n ON n.oid = f.opfnamespace,
       LATERAL (SELECT quote_ident(m.nspname) || '.' || quote_ident(c.opcname) AS self FROM pg_namespace m WHERE m.oid = c.opcnamespace) o
      WHERE c.oid = ANY ($2::oid[]) AND c.opcnamespace = $1 ORDER BY c.oid`,
    [namespace, inventory.of("pg_opclass")],
  );
  const members = await client.query<MemberRow>(
    `SELECT 'pg_amop:' || m.oid AS key, d.refclassid::regclass || ':' || d.refobjid AS home,
        'OPERATOR ' || m.amopstrategy || ' ' || ${inSchema("p", "oprname", "oprnamespace")} || ' (' ||
          ${typeName("m.amoplefttype")} || ', ' || ${typeName("m.amoprighttype")} || ')' ||
          CASE WHEN m.amoppurpose = 'o' THEN ' FOR ORDER BY ' || (SELECT quote_ident(n.nspname) || '.' || quote_ident(s.opfname)
            FROM pg_opfamily s JOIN pg_namespace n ON n.oid = s.opfnamespace WHERE s.oid = m.amopsortfamily) ELSE '' END AS text
       FROM pg_amop m JOIN pg_operator p ON p.oid = m.amopopr
       JOIN pg_depend d ON d.classid = 'pg_amop'::regclass AND d.objid = m.oid
        AND d.refclassid IN ('pg_opclass'::regclass, 'pg_opfamily'::regclass) AND d.deptype IN ('i', 'a')
      WHERE m.oid = ANY ($1::oid[])
      UNION ALL
     SELECT 'pg_amproc:' || m.oid, d.refclassid::regclass || ':' || d.refobjid,
        'FUNCTION ' || m.amprocnum || ' (' || format_type(m.amproclefttype, NULL) || ', ' ||
          format_type(m.amprocrighttype, NULL) || ') ' || m.amproc::oid::regprocedure
       FROM pg_amproc m
       JOIN pg_depend d ON d.classid = 'pg_amproc'::regclass AND d.objid = m.oid
        AND d.refclassid IN ('pg_opclass'::regclass, 'pg_opfamily'::regclass) AND d.deptype IN ('i', 'a')
      WHERE m.oid = ANY ($2::oid[])`,
    [inventory.of("pg_amop"), inventory.of("pg_amproc")],
  );
  return { families: families.rows, classes: classes.rows, members: members.rows };
}

export interface CastRow {
  oid: number;
  label: string;
  create: string;
  own: boolean;
}

export async function readCasts(
  client: pg.Client,
  namespace: number,
  inventory: Inventory,
): Promise<CastRow[]> {
  const { rows } = await client.query<CastRow>(
    `SELECT c.oid::int8::float8 AS oid, format_type(s.oid, NULL) || ' as ' || format_type(t.oid, NULL) AS label,
        s.typnamespace = $1 OR t.typnamespace = $1 AS own,
        'CAST (' || format_type(s.oid, NULL) || ' AS ' || format_type(t.oid, NULL) || ') ' ||
          CASE c.castmethod WHEN 'f' THEN 'WITH FUNCTION ' || c.castfunc::oid::regprocedure
            WHEN 'i' THEN 'WITH INOUT' ELSE 'WITHOUT FUNCTION' END ||
          CASE c.castcontext WHEN 'a' THEN ' AS ASSIGNMENT' WHEN 'i' THEN ' AS IMPLICIT' ELSE '' END AS create
       FROM pg_cast c JOIN pg_type s ON s.oid = c.castsource JOIN pg_type t ON t.oid = c.casttarget
      WHERE c.oid = ANY ($2::oid[]) AND NOT EXISTS (SELECT FROM pg_depend d
        WHERE d.classid = 'pg_cast'::regclass AND d.objid = c.oid AND d.deptype = 'i') ORDER BY c.oid`,
    [namespace, inventory.of("pg_cast")],
  );
  return rows;
}
