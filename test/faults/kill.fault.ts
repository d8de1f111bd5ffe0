import { afterAll, beforeAll, expect, test } from "vitest";
import { waitFor } from "../support/wait.ts";
import { endMachine } from "./support/machine.ts";
import { makePatient, type Patient } from "./support/patient.ts";
import { kill, type Process } from "./support/processes.ts";
import type { Cast } from "./support/roles.ts";
import { tell } from "./support/table.ts";

let patient: Patient;

beforeAll(async () => {
  patient = await makePatient();
}, 120_000);
afterAll(() => patient?.[Symbol.asyncDispose]());

const keeperOf = (name: string) => (cast: Cast) =>
  cast.runsv.filter(({ cwd }) => cwd.endsWith(`/sv/${name}`));

const victims: [string, (cast: Cast) => Process[]][] = [
  ["daemon", (cast) => cast.daemon],
  ["runsvdir", (cast) => cast.runsvdir],
  ["the runsv of a backend", keeperOf("main.backend")],
  ["the runsv of the daemon", keeperOf("daemon")],
  ["the runsv of nginx", keeperOf("nginx")],
  ["the runsv of Postgres", keeperOf("postgres")],
  ["every runsv", (cast) => cast.runsv],
  ["a backend", (cast) => cast.services.get("main.backend") ?? []],
  ["a backend on demand", (cast) => cast.services.get("rel-05.backend") ?? []],
  ["nginx master", (cast) => cast.nginxMaster],
  ["an nginx worker", (cast) => cast.nginxWorkers.slice(0, 1)],
  ["nginx master and workers", (cast) => [...cast.nginxMaster, ...cast.nginxWorkers]],
  ["postmaster", (cast) => cast.postmaster],
  ["a Postgres backend", (cast) => cast.postgresBackends.slice(0, 1)],
  ["an svlogd", (cast) => cast.svlogd.slice(0, 1)],
  ["runsvdir and the daemon", (cast) => [...cast.runsvdir, ...cast.daemon]],
];

test.each(victims)("%s is restarted automatically after kill -9", async (name, choose) => {
  const chosen = await waitFor(() => {
    const found = choose(patient.cast());
    return found.length > 0 && found;
  });
  for (const one of chosen) kill(one);
  await waitFor(() => chosen.every((one) => !kill(one)));
  const recovery = await patient.recovers();
  tell({ fault: `kill -9: ${name}`, recovery });
});

test("`ikigai start` restores everything after all was killed at once", async () => {
  await endMachine(patient);
  const begin = performance.now();
  const started = await patient.project.ikigai("start");
  expect(started.stderr).not.toMatch(/failed|✖/);
  expect(started.exitCode).toBe(0);
  await patient.recovers();
  const recovery = Math.round(performance.now() - begin);
  tell({ fault: "kill -9: everything at once, then start", recovery });
});
