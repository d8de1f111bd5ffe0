import type pg from "pg";
import { BranchError } from "../errors.ts";
import type { BuildStep, SchemaModel } from "../types.ts";
import { readSchemaModel } from "./read.ts";

/**
 * Compares what was built with the survey.
 *
 * @throws BranchError `failed` if they differ
 */
export async function assertUnchanged(client: pg.Client, survey: SchemaModel): Promise<void> {
  await client.query("BEGIN");
  let built: SchemaModel;
  try {
    const { as, role } = survey;
    built = await readSchemaModel(client, { schema: as, as, role });
  } finally {
    await client.query("ROLLBACK");
  }
  const wanted = definitions(survey);
  const found = definitions(built);
  for (const name of new Set([...wanted.keys(), ...found.keys()]))
    if (wanted.get(name) !== found.get(name))
      throw new BranchError(
        "failed",
        `The ${name} was changed while it was built, by a function of ${survey.schema}.`,
        { next: "put its functions right, then: ikigai db branch" },
      );
}

function definitions(survey: SchemaModel): Map<string, string> {
  const found = new Map<string, string>();
  for (const item of [...survey.early, ...survey.late, ...survey.last]) {
    const text = statements(item);
    if (text !== "") found.set(`${item.kind} ${item.name}`, text);
  }
  return found;
}

function statements({ sql, marks = [] }: BuildStep): string {
  return [...sql, ...marks].join(";\n");
}
