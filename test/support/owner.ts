import { readdirSync, readFileSync } from "node:fs";
import { join } from "node:path";
import type pg from "pg";
import type { TestProject } from "./project.ts";

/** How a client of a test connects as the owner of the project's database. */
export function ownerLogin(
  project: Pick<TestProject, "root" | "home" | "postgresPort">,
): pg.ClientConfig & { readonly password: string } {
  return {
    host: join(project.root, ".ikigai/db"),
    port: project.postgresPort,
    user: "ikigai",
    password: ownerPassword(project.home),
    database: "ikigai",
  };
}

/** The password that ikigai made for the one project of a throwaway home. */
function ownerPassword(home: string): string {
  const owners = join(home, ".local/state/ikigai/owners");
  const [only, ...more] = readdirSync(owners);
  if (only === undefined || more.length > 0) throw new Error(`${owners}: not one project`);
  return readFileSync(join(owners, only, "password"), "utf8").trim();
}
