import { test } from "vitest";
import { makePatient } from "./support/patient.ts";
import { soak } from "./support/soak.ts";

// The short form of `soak.fault.ts`.
test.skipIf(process.platform !== "linux")(
  "some seconds of random operations and kills end in a consistent state",
  async () => {
    await using patient = await makePatient();
    await soak(patient, { milliseconds: 14_000, stages: 2, seed: 7 });
  },
  240_000,
);
