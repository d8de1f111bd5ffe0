import { afterAll, beforeAll, test } from "vitest";
import { makePatient, type Patient } from "./support/patient.ts";
import { soak } from "./support/soak.ts";

/** 30 is the long form. */
const MINUTES = Number(process.env.SOAK_MINUTES ?? 1.25);
const SEED = Number(process.env.SOAK_SEED ?? 1);

let patient: Patient;

beforeAll(async () => {
  patient = await makePatient({ pace: 100 });
});
afterAll(() => patient?.[Symbol.asyncDispose]());

test(`random operations and kills end in a consistent state (seed ${SEED})`, async () => {
  console.log(`soak: ${MINUTES} min, SOAK_SEED=${SEED}`);
  const stages = Math.max(2, Math.ceil(MINUTES / 3));
  await soak(patient, { milliseconds: MINUTES * 60_000, stages, seed: SEED });
}, 3_600_000);
