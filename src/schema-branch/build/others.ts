import type { CastRow, MadeRow, MemberRow } from "../inspect/operators.ts";
import type { CommentRow, DefaultAclRow, ExtensionLinkRow } from "../inspect/others.ts";
import type { Refusal } from "../refusal.ts";
import { ownedBy, roleFor, type Scope } from "../scope.ts";
import { ident, literal } from "../sql.ts";
import type { BuildStep, Phase, PlanPart } from "../types.ts";
import { grouped } from "./grants.ts";

/** Builds objects whose definition the catalog query returns. */
export function buildMade(
  scope: Scope,
  catalog: string,
  kind: string,
  rows: readonly MadeRow[],
  phase: Phase = "any",
  privileged = false,
): PlanPart {
  const items = rows.map(
    (row): BuildStep => ({
      key: `${catalog}:${row.oid}`,
      kind,
      name: row.name,
      sql: `CREATE ${row.create}`.split("\n;\n"),
      ...(privileged && { privileged }),
      owner: ownedBy(scope, row.object, row.owner),
      needs: [],
      phase,
    }),
  );
  return { items };
}

/** Builds operators; refuses those that others name but that were never defined. */
export function buildOperators(
  scope: Scope,
  rows: readonly (MadeRow & { create: string | null })[],
): PlanPart {
  const refusals = rows
    .filter((row) => row.create === null)
    .map(
      (row): Refusal => ({
        object: row.name,
        kind: "operator",
        why: "it is named as a commutator or negator but was never defined",
        next: "define it, or DROP OPERATOR it",
      }),
    );
  return {
    ...buildMade(
      scope,
      "pg_operator",
      "operator",
      rows.filter((row) => row.create !== null),
    ),
    refusals,
  };
}

/**
 * Builds operator families, their classes, and members that belong to the family alone. Only a superuser can
 * create them; the server checks their functions' types and calls none.
 */
export function buildFamilies(
  scope: Scope,
  found: {
    families: readonly MadeRow[];
    classes: readonly (MadeRow & { family: number; storage: string | null })[];
    members: readonly MemberRow[];
  },
): PlanPart {
  const covers: [string, string][] = [];
  const of = (home: string) => found.members.filter((member) => member.home === home);
  const classes = found.classes.map((row): MadeRow => {
    const home = `pg_opclass:${row.oid}`;
    covers.push(...of(home).map((member) => [member.key, home] as [string, string]));
    const parts = [
      ...(row.storage === null ? [] : [row.storage]),
      ...of(home).map((each) => each.text),
    ];
    return { ...row, create: `${row.create} AS ${parts.join(", ")}` };
  });
  const loose = found.families.flatMap((row): BuildStep[] => {
    const home = `pg_opfamily:${row.oid}`;
    const key = `${home}/members`;
    covers.push(...of(home).map((member) => [member.key, key] as [string, string]));
    const texts = of(home).map((each) => each.text);
    if (texts.length === 0) return [];
    const sql = [`ALTER ${row.object} ADD ${texts.join(", ")}`];
    const [kind, phase] = ["operator family", "any"] as const;
    return [{ key, kind, name: row.name, sql, privileged: true, needs: [home], phase }];
  });
  return {
    items: [
      ...buildMade(scope, "pg_opfamily", "operator family", found.families, "any", true).items,
      ...buildMade(scope, "pg_opclass", "operator class", classes, "any", true).items,
      ...loose,
    ],
    covers,
  };
}

/**
 * Builds casts from or to a type of the schema. Creating them calls nothing. Late, so that rows are copied
 * through the types' own text output.
 */
export function buildCasts(rows: readonly CastRow[]): PlanPart {
  const covers: [string, string][] = [];
  const items: BuildStep[] = [];
  const refusals: Refusal[] = [];
  for (const row of rows) {
    const key = `pg_cast:${row.oid}`;
    if (row.own)
      items.push({
        key,
        kind: "cast",
        name: row.label,
        sql: [`CREATE ${row.create}`],
        privileged: true,
        needs: [],
        phase: "late",
      });
    else {
      covers.push([key, key]);
      refusals.push({
        object: row.label,
        kind: "cast",
        why: "it joins two types of other schemas by a function of this one, and there can be only one such cast",
        next: "move its function to the shared schema",
      });
    }
  }
  return { items, covers, refusals };
}

/** Builds default privileges of all roles; last, so that they do not affect the build itself. */
export function buildDefaultAcls(scope: Scope, rows: readonly DefaultAclRow[]): PlanPart {
  const items = rows.map((row): BuildStep => {
    const role = ident(roleFor(scope, row.role));
    const head = `ALTER DEFAULT PRIVILEGES FOR ROLE ${role} IN SCHEMA ${ident(scope.as)} GRANT`;
    const sql = grouped(scope, row.acl).map(
      (group) =>
        `${head} ${group.privileges.join(", ")} ON ${row.objects} TO ${group.grantee}${group.grantable ? " WITH GRANT OPTION" : ""}`,
    );
    return {
      key: `pg_default_acl:${row.oid}`,
      kind: "default privileges",
      name: `${row.objects.toLowerCase()} of ${roleFor(scope, row.role)}`,
      sql: [],
      grants: sql,
      needs: [],
      phase: "last",
    };
  });
  return { items };
}

/** Builds links that make an object depend on an extension, so that it is dropped with it. */
export function buildExtensionLinks(rows: readonly ExtensionLinkRow[]): PlanPart {
  const items = rows.map(
    (row): BuildStep => ({
      key: `${row.key}/extension:${row.extension}`,
      kind: "extension link",
      name: `${row.identity} on ${row.extension}`,
      sql: [],
      grants: [
        `ALTER ${row.type.toUpperCase()} ${row.identity} DEPENDS ON EXTENSION ${ident(row.extension)}`,
      ],
      needs: [row.key],
      phase: "late",
    }),
  );
  return { items };
}

/** The keyword of COMMENT for a type that pg_identify_object names differently. */
const WORDS: Readonly<Record<string, string>> = {
  "composite type": "TYPE",
  function: "ROUTINE",
  procedure: "ROUTINE",
  aggregate: "ROUTINE",
  "table constraint": "CONSTRAINT",
  "statistics object": "STATISTICS",
};

/** Builds comments on all objects; those on domain constraints are built with the constraints. */
export function buildComments(rows: readonly CommentRow[]): PlanPart {
  const items = rows
    .filter((row) => row.type !== "domain constraint")
    .map((row): BuildStep => {
      const word = row.sub > 0 ? "COLUMN" : (WORDS[row.type] ?? row.type.toUpperCase());
      return {
        key: `${row.key}/comment:${row.sub}`,
        kind: "comment",
        name: `${row.type} ${row.identity}`,
        sql: [],
        grants: [`COMMENT ON ${word} ${row.identity} IS ${literal(row.text)}`],
        needs: [row.key],
        phase: "late",
      };
    });
  return { items };
}
