import type pg from "pg";
import { BranchError } from "../errors.ts";
import type { Item, Survey } from "../types.ts";
import { readSurvey } from "./read.ts";

/** @throws BranchError `failed` when what was built is not what the survey says. */
export async function untouched(client: pg.Client, survey: Survey): Promise<void> {
  await client.query("BEGIN");
  let built: Survey;
  try {
    const { as, role } = survey;
    built = await readSurvey(client, { schema: as, as, role });
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

function definitions(survey: Survey): Map<string, string> {
  const found = new Map<string, string>();
  for (const item of [...survey.early, ...survey.late, ...survey.last]) {
    const text = statements(item);
    if (text !== "") found.set(`${item.kind} ${item.name}`, text);
  }
  return found;
}

function statements({ sql, marks = [] }: Item): string {
  return [...sql, ...marks].join(";\n");
}
