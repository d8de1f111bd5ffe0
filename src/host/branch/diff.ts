import type pg from "pg";
import { freshName, readSurvey } from "./inspect/read.ts";
import type { Item, Survey } from "./types.ts";

/** One difference in structure; `before` as in the first schema, `after` as in the second. */
export interface Difference {
  readonly kind: string;
  readonly name: string;
  readonly change: "added" | "removed" | "changed";
  readonly before?: string;
  readonly after?: string;
}

/** What one would have to do to the first schema to make it like the second. */
export interface SchemaDiff {
  readonly from: string;
  readonly to: string;
  readonly differences: readonly Difference[];
}

/** Stands for both schemas' owners, so that their names are no difference. */
const OWNER = "owner";

/** Compares the structure of two schemas. Reads both, changes nothing. */
export async function diffSchemas(client: pg.Client, a: string, b: string): Promise<SchemaDiff> {
  await client.query("BEGIN ISOLATION LEVEL REPEATABLE READ");
  try {
    const as = freshName("survey");
    const first = await readSurvey(client, { schema: a, as, role: OWNER });
    const second = await readSurvey(client, { schema: b, as, role: OWNER });
    return { from: a, to: b, differences: compareSurveys(first, second) };
  } finally {
    await client.query("ROLLBACK");
  }
}

/** Pure comparison of two surveys that were read under one name. */
function compareSurveys(a: Survey, b: Survey): Difference[] {
  const plain = (text: string) => text.replaceAll(`"${a.as}".`, "").replaceAll(`${a.as}.`, "");
  const before = definitions(a, plain);
  const after = definitions(b, plain);
  const found: Difference[] = [];
  for (const [key, one] of before) {
    const other = after.get(key);
    if (!other) found.push({ kind: one.kind, name: one.name, change: "removed", before: one.text });
    else if (other.text !== one.text)
      found.push({
        kind: one.kind,
        name: one.name,
        change: "changed",
        before: one.text,
        after: other.text,
      });
  }
  for (const [key, one] of after)
    if (!before.has(key))
      found.push({ kind: one.kind, name: one.name, change: "added", after: one.text });
  return withoutParts(found);
}

interface Definition {
  readonly kind: string;
  readonly name: string;
  readonly text: string;
}

function definitions(survey: Survey, plain: (text: string) => string): Map<string, Definition> {
  const found = new Map<string, Definition>();
  const put = (kind: string, name: string, text: string) =>
    found.set(`${kind} ${name}`, { kind, name, text: plain(text) });
  for (const item of [...survey.early, ...survey.late, ...survey.last])
    put(item.kind, item.name, text(item));
  for (const [table, columns] of survey.columns)
    for (const column of columns) put("column", `${table}.${column.name}`, column.definition);
  return found;
}

/** A table's columns are compared one by one; what is left is the rest of its statements. */
function text(item: Item): string {
  const [add = "", proven] = item.sql;
  // How a branch avoids reading the rows again is nothing that a migration would say.
  if (item.kind === "constraint" && proven?.startsWith("UPDATE pg_catalog.pg_constraint"))
    return add.replace(/ NOT VALID$/, "");
  if (item.kind !== "table") return item.sql.join(";\n");
  const [create = "", ...more] = item.sql;
  const end = create.lastIndexOf(")") + 1;
  const start = create.indexOf(" (");
  return [start < 0 ? create : create.slice(0, start) + create.slice(end), ...more].join(";\n");
}

/** What came or went with a whole table need not be listed again. */
function withoutParts(found: readonly Difference[]): Difference[] {
  const whole = new Set(
    found
      .filter((each) => each.kind === "table" && each.change !== "changed")
      .map((each) => each.name),
  );
  return found.filter((each) => {
    const table = each.kind === "column" || each.kind === "default" ? each.name.split(".")[0] : "";
    return table === "" || table === undefined || !whole.has(table);
  });
}
