import { readlinkSync, rmdirSync, rmSync } from "node:fs";
import { dirname, join } from "node:path";

// As root PostgreSQL's files lie where its account can reach them; `.ikigai/db` leads there.
const outside = /^\/var\/lib\/ikigai\/[0-9a-f]+\/data$/;

function databaseOutside(project) {
  try {
    const target = readlinkSync(join(project, ".ikigai", "db"));
    return outside.test(target) ? dirname(target) : undefined;
  } catch {
    return undefined;
  }
}

/** Removes a throwaway directory together with the database of the project inside it. */
export function removeProject(base, project) {
  const database = databaseOutside(project);
  rmSync(base, { recursive: true, force: true, maxRetries: 5, retryDelay: 100 });
  if (database === undefined) return;
  rmSync(database, { recursive: true, force: true, maxRetries: 5, retryDelay: 100 });
  try {
    rmdirSync(dirname(database));
  } catch {
    // Another project's database is there too.
  }
}
