import type pg from "pg";
import { freshName, readSchemaModel } from "./inspect/read.ts";
import { ident } from "./sql.ts";
import type { BuildStep, SchemaModel } from "./types.ts";

/** One difference in structure; `before` is from the first schema, `after` from the second. */
export interface Difference {
  readonly kind: string;
  readonly name: string;
  readonly change: "added" | "removed" | "changed";
  readonly before?: string;
  readonly after?: string;
}

/** The changes that would turn the first schema's structure into the second's. */
export interface SchemaDiff {
  readonly from: string;
  readonly to: string;
  readonly differences: readonly Difference[];
}

/** Replaces both schemas' owners, so that their names are not reported as a difference. */
const OWNER = "owner";

/** Compares the structure of two schemas; reads both and changes nothing. */
export async function diffSchemas(client: pg.Client, a: string, b: string): Promise<SchemaDiff> {
  await client.query("BEGIN ISOLATION LEVEL REPEATABLE READ");
  try {
    const as = freshName("survey");
    const first = await readSchemaModel(client, { schema: a, as, role: OWNER });
    const second = await readSchemaModel(client, { schema: b, as, role: OWNER });
    return { from: a, to: b, differences: compareSurveys(first, second) };
  } finally {
    await client.query("ROLLBACK");
  }
}

/** Compares two surveys that were read under the same name. */
function compareSurveys(a: SchemaModel, b: SchemaModel): Difference[] {
  const before = definitions(a);
  const after = definitions(b);
  const found: Difference[] = [];
  for (const [key, one] of before) {
    const { kind, name } = one;
    const other = after.get(key);
    if (!other) found.push({ kind, name, change: "removed", before: one.whole });
    else if (other.text !== one.text) {
      const owned = one.brief === other.brief;
      const told = (each: Definition) => (owned ? each.text : each.brief);
      found.push({ kind, name, change: "changed", before: told(one), after: told(other) });
    }
  }
  for (const [key, { kind, name, whole }] of after)
    if (!before.has(key)) found.push({ kind, name, change: "added", after: whole });
  return withoutParts(found, new Map([...before, ...after]));
}

interface Definition {
  readonly kind: string;
  readonly name: string;
  /** The text that is compared. */
  readonly text: string;
  /** The same without statements that assign it to the schema's owner. */
  readonly brief: string;
  /**
   * The full definition, shown if the object was added or removed; for a table with columns, keys and
   * indexes.
   */
  readonly whole: string;
  /** The table of which it is a part. */
  readonly table?: string;
}

function definitions(survey: SchemaModel): Map<string, Definition> {
  const plain = (text: string) =>
    text.replaceAll(`"${survey.as}".`, "").replaceAll(`${survey.as}.`, "");
  const items = [...survey.early, ...survey.late, ...survey.last];
  const parts = partsOf(items);
  const found = new Map<string, Definition>();
  for (const item of items) {
    const { kind, name, frame, table } = item;
    const statements = frame ? [frame.join(""), ...told(item).slice(1)] : told(item);
    const own = withoutOwner(statements, survey.reader);
    const whole = frame
      ? [framed(frame, survey, name), ...own.slice(1), ...(parts.get(name) ?? []).flatMap(told)]
      : own;
    found.set(`${kind} ${name}`, {
      kind,
      name,
      text: plain(statements.join(";\n")),
      brief: plain(own.join(";\n")),
      whole: plain(whole.join(";\n")),
      ...(table !== undefined && { table }),
    });
  }
  for (const [table, columns] of survey.columns)
    for (const column of columns) {
      const [kind, name, text] = ["column", `${table}.${column.name}`, plain(column.definition)];
      found.set(`${kind} ${name}`, { kind, name, text, brief: text, whole: text, table });
    }
  return found;
}

/** Groups by table what is shown with a table that was added or removed: defaults, keys, checks, indexes. */
function partsOf(items: readonly BuildStep[]): Map<string, BuildStep[]> {
  const found = new Map<string, BuildStep[]>();
  for (const item of items)
    if (item.table !== undefined) found.set(item.table, [...(found.get(item.table) ?? []), item]);
  return found;
}

function framed(
  [before, behind]: readonly [string, string],
  survey: SchemaModel,
  name: string,
): string {
  const columns = (survey.columns.get(name) ?? []).map((column) => `  ${column.definition}`);
  return `${before} (\n${columns.join(",\n")}\n)${behind}`;
}

/**
 * Returns the statements to show, without the means by which a branch avoids reading rows again, as a
 * migration has no use for these.
 */
function told({ kind, sql, marks = [], owner = [], grants = [] }: BuildStep): readonly string[] {
  const [add = ""] = sql;
  if (kind !== "constraint" || marks.length === 0) return [...sql, ...marks, ...owner, ...grants];
  const proven = marks.some((mark) => mark.includes("convalidated"));
  return [proven ? add.replace(/ NOT VALID$/, "") : add];
}

function withoutOwner(statements: readonly string[], reader: string): string[] {
  const usual = [OWNER, reader].map((role) => ` OWNER TO ${ident(role)}`);
  return statements.filter((sql) => !usual.some((end) => sql.endsWith(end)));
}

/** Drops differences that are already shown with a table that was added or removed. */
function withoutParts(
  found: readonly Difference[],
  definitions: ReadonlyMap<string, Definition>,
): Difference[] {
  const whole = new Set(
    found
      .filter(({ kind, change }) => /^(foreign )?table$/.test(kind) && change !== "changed")
      .map(({ name }) => name),
  );
  return found.filter(({ kind, name }) => {
    const table = definitions.get(`${kind} ${name}`)?.table;
    return table === undefined || !whole.has(table);
  });
}
