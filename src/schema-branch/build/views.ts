import type { ColumnRow, RelationRow } from "../inspect/tables.ts";
import { named, ownedBy, type Scope } from "../scope.ts";
import { ident, options } from "../sql.ts";
import type { BuildStep, PlanPart } from "../types.ts";
import { columnSettings } from "./columns.ts";
import { grantStatements } from "./grants.ts";
import { columnGrants } from "./tables.ts";

/** Builds views and materialized views; the latter are filled last, if the base's are. */
export function buildViews(
  scope: Scope,
  relations: readonly RelationRow[],
  columns: ReadonlyMap<number, readonly ColumnRow[]>,
): PlanPart {
  const items: BuildStep[] = [];
  const covers: [string, string][] = [];
  for (const row of relations) {
    if (row.kind !== "v" && row.kind !== "m") continue;
    const key = `pg_class:${row.oid}`;
    const name = named(scope, row.name);
    covers.push([`pg_type:${row.row_type}`, key]);
    const query = (row.definition ?? "").trimEnd().replace(/;$/, "");
    const storage = [
      options(row.options),
      row.kind === "m" ? options(row.toast_options, "toast.") : "",
    ];
    const filled = storage.filter((text) => text !== "").join(", ");
    const settings = row.kind === "m" ? (columns.get(row.oid) ?? []).flatMap(columnSettings) : [];
    const parts = [`CREATE ${row.kind === "m" ? "MATERIALIZED VIEW" : "VIEW"} ${name}`];
    if (row.kind === "m" && row.method !== null && row.method !== "heap")
      parts.push(`USING ${ident(row.method)}`);
    if (filled !== "") parts.push(`WITH (${filled})`);
    if (row.tablespace !== null) parts.push(`TABLESPACE ${ident(row.tablespace)}`);
    parts.push(`AS ${query}`);
    if (row.kind === "m") parts.push("WITH NO DATA");
    items.push({
      key,
      kind: row.kind === "m" ? "materialized view" : "view",
      name: row.name,
      sql: [
        parts.join(" "),
        ...(settings.length > 0 ? [`ALTER MATERIALIZED VIEW ${name} ${settings.join(", ")}`] : []),
      ],
      owner: ownedBy(scope, `TABLE ${name}`, row.owner),
      grants: [
        ...grantStatements(scope, `TABLE ${name}`, row.owner, row.acl),
        ...columnGrants(scope, `TABLE ${name}`, row.owner, columns.get(row.oid) ?? []),
      ],
      needs: [],
      phase: "any",
    });
    if (row.kind === "m" && row.populated)
      items.push({
        key: `${key}/rows`,
        kind: "materialized rows",
        name: row.name,
        sql: [`REFRESH MATERIALIZED VIEW ${name}`],
        needs: [key],
        phase: "last",
      });
  }
  return { items, covers };
}
