import { afterAll, beforeAll, expect, test } from "vitest";
import { makePatient, type Patient } from "./support/patient.ts";
import { tell } from "./support/table.ts";

let patient: Patient;

beforeAll(async () => {
  patient = await makePatient();
});
afterAll(() => patient?.[Symbol.asyncDispose]());

test("a role that a cut-off build left goes while the daemon runs on", async () => {
  // As ikigai marks its own (`markRole`).
  await patient.sql("CREATE ROLE wt_half; COMMENT ON ROLE wt_half IS 'ikigai:role'");
  expect(await patient.complaints()).toEqual(["no schema: wt_half"]);
  tell({ fault: "a role that a cut-off build left", recovery: await patient.recovers(30_000) });
});

test("a build that nobody finishes goes while the daemon runs on", async () => {
  // As a branch begins (`build-schema.ts`).
  await patient.sql(
    `CREATE SCHEMA ikigai_build_half; COMMENT ON SCHEMA ikigai_build_half IS 'ikigai:build';
     CREATE TABLE ikigai_build_half.notes AS SELECT generate_series(1, 10) AS n`,
  );
  expect(await patient.complaints()).toEqual(["unfinished: ikigai_build_half"]);
  tell({ fault: "a build that was cut off", recovery: await patient.recovers(30_000) });
});
