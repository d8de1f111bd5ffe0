import { afterAll, beforeAll, test } from "vitest";
import { register } from "../../src/schema-branch/registry.ts";
import { waitFor } from "../support/wait.ts";
import { makePatient, type Patient } from "./support/patient.ts";
import { tell } from "./support/table.ts";

let patient: Patient;

beforeAll(async () => {
  patient = await makePatient();
});
afterAll(() => patient?.[Symbol.asyncDispose]());

/** Makes half of something, which the daemon may find at once, and waits until it is removed. */
async function goes(fault: string, making: string, catalog: string): Promise<void> {
  const begin = performance.now();
  await patient.sql(making);
  await waitFor(async () => (await patient.sql(catalog)).length === 0, { deadline: 30_000 });
  await patient.recovers();
  tell({ fault, recovery: performance.now() - begin });
}

test("a role left by an interrupted build is dropped by the running daemon", async () => {
  await goes(
    "a role that a cut-off build left",
    // As ikigai marks its own (`markRole`).
    "CREATE ROLE wt_half; COMMENT ON ROLE wt_half IS 'ikigai:role'",
    "SELECT FROM pg_roles WHERE rolname = 'wt_half'",
  );
});

test("an abandoned build is dropped by the running daemon", async () => {
  await goes(
    "a build that was cut off",
    // As a branch begins (`build-schema.ts`).
    `CREATE SCHEMA ikigai_build_half; ${register("ikigai_build_half", "ikigai:build")};
     CREATE TABLE ikigai_build_half.notes AS SELECT generate_series(1, 10) AS n`,
    "SELECT FROM pg_namespace WHERE nspname = 'ikigai_build_half'",
  );
});
