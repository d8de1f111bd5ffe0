import { readFileSync } from "node:fs";
import { join } from "node:path";
import type pg from "pg";
import type { TestProject } from "./project.ts";

/** Returns how a test's client connects as the owner of the project's database. */
export function ownerLogin({
  root,
  postgresPort: port,
}: Pick<TestProject, "root" | "postgresPort">): pg.ClientConfig & { readonly password: string } {
  const settings = readFileSync(join(root, ".ikigai/scripts/settings"), "utf8");
  const quoted = /^IKIGAI_PG_OWNER='(.*)'$/m.exec(settings)?.[1];
  if (quoted === undefined) throw new Error(`${root} names no login of the owner`);
  const directory = quoted.replaceAll("'\\''", "'");
  const password = readFileSync(join(directory, "password"), "utf8").trim();
  return { host: join(root, ".ikigai/db"), port, user: "ikigai", password, database: "ikigai" };
}
