import type pg from "pg";
import { freshName, readSchemaModel } from "./inspect/read.ts";
import { readPointers } from "./inspect/values.ts";
import type { Refusal } from "./refusal.ts";
import { close } from "./session.ts";
import type { SchemaModel } from "./types.ts";
import { connectAs, createBuildRole, removeBuildRole, unlockWorker } from "./worker.ts";

const LOCK_TIMEOUT_MS = 5_000;

/**
 * Reads a schema's structure, with definitions under a fresh name, and changes nothing. Creates a temporary
 * role if columns must be checked for values that point into the schema.
 */
export async function surveySchema(
  client: pg.Client,
  schema: string,
  as = freshName("survey"),
): Promise<SchemaModel> {
  let survey: SchemaModel;
  await client.query("BEGIN");
  try {
    survey = await readSchemaModel(client, { schema, as, role: null });
  } finally {
    await client.query("ROLLBACK");
  }
  if (survey.pointers.length === 0) return survey;
  return { ...survey, refusals: [...survey.refusals, ...(await pointing(client, survey))] };
}

async function pointing(client: pg.Client, survey: SchemaModel): Promise<Refusal[]> {
  const name = freshName("build");
  let session: pg.Client | undefined;
  const worker = await createBuildRole(client, name, survey.schema, { lens: true });
  try {
    session = await connectAs(client, worker, "", LOCK_TIMEOUT_MS);
    return await readPointers(session, survey, worker.places);
  } finally {
    await close(session);
    await removeBuildRole(client, name).finally(() => unlockWorker(client, name));
  }
}

/** Returns everything in a schema that prevents branching it; empty if a branch would be complete. */
export function refusals(survey: SchemaModel): readonly Refusal[] {
  return survey.refusals;
}
