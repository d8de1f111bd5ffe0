import { rmSync, writeFileSync } from "node:fs";
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

/** The short form of `npm run test:faults`: what only ikigai can restore. */
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

test.skipIf(!linux)("losses and leftovers are detected", async () => {
  const ikigai = `${patient.project.root}/.ikigai`;
  await waitFor(() => patient.rows.written > 10);
  await patient.add("seen");
  await patient.recovers(40_000);
  await patient.sql("CREATE TABLE wt_main.away AS SELECT * FROM wt_main.ledger WHERE n < 4");
  await patient.sql(
    "DELETE FROM wt_main.ledger WHERE n < 3; DELETE FROM wt_seen.ledger WHERE n = 3",
  );
  writeFileSync(`${ikigai}/run/env/nobody`, "");
  writeFileSync(`${ikigai}/run/ports.map.0123456789ab.tmp`, "");
  await patient.sql("CREATE SCHEMA wt_nobody");
  const found = (await patient.complaints()).sort();
  await patient.sql("DROP SCHEMA wt_nobody");
  for (const path of ["env/nobody", "ports.map.0123456789ab.tmp"]) {
    rmSync(`${ikigai}/run/${path}`, { force: true });
  }
  await patient.sql(
    `INSERT INTO wt_main.ledger SELECT * FROM wt_main.away WHERE n < 3;
     INSERT INTO wt_seen.ledger SELECT * FROM wt_main.away WHERE n = 3`,
  );
  expect(found).toEqual([
    expect.stringMatching(/^1 of [0-9]+ rows of wt_seen$/),
    expect.stringMatching(/^2 of [0-9]+ rows of wt_main$/),
    "file of nobody: run/env/nobody",
    "file of nobody: run/ports.map.0123456789ab.tmp",
    "no mark: wt_nobody",
    "no role: wt_nobody",
    "no worktree: wt_nobody",
  ]);
  await patient.remove("seen");
  await patient.recovers(40_000);
});
