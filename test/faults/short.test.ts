import { afterAll, beforeAll, expect, test } from "vitest";
import { waitFor } from "../support/wait.ts";
import { makePatient, type Patient } from "./support/patient.ts";
import { kill, type Process } from "./support/processes.ts";
import type { Cast } from "./support/roles.ts";

const linux = process.platform === "linux";
let patient: Patient;

beforeAll(async () => {
  if (linux) patient = await makePatient();
}, 120_000);
afterAll(() => patient?.[Symbol.asyncDispose]());

/** The short form of `npm run test:faults`: what nobody but ikigai would bring back. */
const victims: readonly (readonly [string, (cast: Cast) => Process[]])[] = [
  ["the daemon", (cast) => cast.daemon],
  ["runsvdir", (cast) => cast.runsvdir],
  ["every runsv", (cast) => cast.runsv],
  [
    "nginx, Postgres and a backend",
    (cast) => [
      ...cast.nginxMaster,
      ...cast.postmaster,
      ...(cast.services.get("main.backend") ?? []),
    ],
  ],
];

test.skipIf(!linux).each(victims)("after kill -9 of %s all is as before", async (_, choose) => {
  const chosen = choose(patient.cast());
  expect(chosen.length).toBeGreaterThan(0);
  for (const one of chosen) kill(one);
  await waitFor(() => chosen.every((one) => !kill(one)));
  await patient.recovers(40_000);
});
