import { stringsNaming } from "../names.ts";
import type { Refusal } from "../refusal.ts";
import type { BuildStep, Note } from "../types.ts";
import type { Inventory } from "./inventory.ts";
import type { ColumnRow } from "./tables.ts";

/**
 * Lists objects that depend on the schema and that no step builds, so that each can be reported. Omits what
 * has been refused already, arrays of it, and members of a refused extension.
 */
export function unaccounted(
  inventory: Inventory,
  built: ReadonlyMap<string, string>,
  covers: readonly (readonly [string, string])[],
): string[] {
  const refused = new Set(covers.filter(([from, to]) => from === to).map(([from]) => from));
  for (const edge of inventory.edges)
    if (edge.type === "e" && inventory.keys.has(edge.to)) refused.add(edge.from);
  for (const edge of inventory.edges)
    if (edge.type === "i" && refused.has(edge.to)) refused.add(edge.from);
  const foreignMembers = new Set(membersOfForeignExtensions(inventory));
  return [...inventory.keys].filter(
    (key) => foreignMembers.has(key) || (!built.has(key) && !refused.has(key)),
  );
}

/** Lists objects in the schema that are members of extensions installed elsewhere. */
function membersOfForeignExtensions(inventory: Inventory): string[] {
  return inventory.edges
    .filter((edge) => edge.type === "e" && !inventory.keys.has(edge.to))
    .map((edge) => edge.from);
}

/** Removes duplicates: keeps one refusal per object and reason. */
export function distinct(refusals: readonly Refusal[]): Refusal[] {
  const found = new Map(refusals.map((each) => [`${each.kind} ${each.object} ${each.why}`, each]));
  return [...found.values()];
}

/** Turns dependency cycles into refusals. */
export function cycles(found: readonly BuildStep[][]): Refusal[] {
  return found.map((items) => ({
    object: items.map((item) => item.name).join(" → "),
    kind: items[0]?.kind ?? "object",
    why: "these need each other, so that none can be created first",
    next: "break the circle, for instance with a function whose body is a string",
  }));
}

/** Refuses strings in definitions that name the schema: they do not follow a renaming, as names do. */
export function namingTexts(items: readonly BuildStep[], schema: string): Refusal[] {
  const exempt = ["function", "procedure", "comment", "enum"];
  return items
    .filter(
      (item) =>
        !exempt.includes(item.kind) &&
        item.sql.some((sql) => stringsNaming(sql, schema).length > 0),
    )
    .map((item) => ({
      object: item.name,
      kind: item.kind,
      why: `a string in its definition names the schema ${schema}, and the branch would reach into the base`,
      next: "write names without the schema; the search path finds them",
    }));
}

const LARGE = new Set(["oid", "lo", "extensions.lo"]);

/** Notes columns whose values may refer to large objects, which all worktrees share. */
export function sharedObjects(
  relations: readonly { oid: number; name: string; kind: string }[],
  columns: ReadonlyMap<number, readonly ColumnRow[]>,
): Note[] {
  return relations
    .filter((row) => row.kind === "r")
    .flatMap((row) =>
      (columns.get(row.oid) ?? [])
        .filter((column) => LARGE.has(column.base_type))
        .map((column) => ({
          object: `${row.name}.${column.name}`,
          text: "numbers of large objects are copied, and the large objects that they may be of are shared by every worktree",
        })),
    );
}
