import { afterAll, beforeAll, expect, test } from "vitest";
import { waitFor } from "../support/wait.ts";
import { makePatient, type Patient } from "./support/patient.ts";
import { kill } from "./support/processes.ts";
import { tell } from "./support/table.ts";

let patient: Patient;

beforeAll(async () => {
  patient = await makePatient();
});
afterAll(() => patient?.[Symbol.asyncDispose]());

test("a backend whose runsv is killed as its worktree is removed is ended", async () => {
  const { project } = patient;
  const runsv = await waitFor(() =>
    patient.cast().runsv.find(({ cwd }) => cwd.endsWith("/sv/rel-05.backend")),
  );
  kill(runsv);
  await project.git(".", "worktree", "remove", "--force", "rel-05");
  patient.worktrees.delete("rel-05");
  const recovery = await patient.recovers(60_000);
  expect(patient.cast().services.get("rel-05.backend") ?? []).toEqual([]);
  tell({ fault: "kill -9: runsv, and its worktree removed", recovery });
});

test("processes left by a killed leader are ended", async () => {
  const [leader] = patient.cast().services.get("main.backend") ?? [];
  const runsv = patient.cast().runsv.find(({ pid }) => pid === leader?.parent);
  expect(runsv && leader).toBeDefined();
  for (const one of [runsv, leader]) if (one) kill(one);
  const recovery = await patient.recovers(60_000);
  tell({ fault: "kill -9: runsv and the leader of a backend's group", recovery });
});
