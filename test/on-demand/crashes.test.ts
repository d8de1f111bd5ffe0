import { writeFileSync } from "node:fs";
import { afterAll, beforeAll, expect, test } from "vitest";
import type { TestProject } from "../support/project.ts";
import { waitFor } from "../support/wait.ts";
import { logOf, run, service, startProbes, starts, tell, waitForState } from "./support.ts";

let project: TestProject;

beforeAll(async () => {
  project = await startProbes();
});
afterAll(() => project?.dispose());

const crashes = () => `${project.root}/.ikigai/run/services/rel-05.backend/crashes`;

test("one that keeps failing is not started for every request, and is mended by a change", async () => {
  tell(project, "rel-05", { broken: "not yet" });
  const before = starts(project, "rel-05");
  for (let i = 0; i < 20; i++) expect((await project.http("/rel-05/api/x")).status).toBe(503);
  expect(starts(project, "rel-05") - before).toBeLessThan(5);
  expect(await service(project, "rel-05")).toMatchObject({
    state: "crashed",
    why: expect.stringMatching(/^failed \d+ times; last it ended with exit code 1$/),
  });
  tell(project, "rel-05", {});
  await waitForState(project, "rel-05", "running");
  expect((await project.http("/rel-05/api/x")).status).toBe(200);
});

test("after ten failures it is left alone, until it is changed or somebody asks", async () => {
  await run(project, "down", "rel-05");
  tell(project, "rel-05", { broken: "for good" });
  expect((await project.http("/rel-05/api/x")).status).toBe(503);
  writeFileSync(crashes(), `9 1 0 ${Math.round(Date.now() / 1000)}\n`);
  await waitFor(() => logOf(project, "rel-05").includes("failed 10 times in a row"), {
    deadline: 30_000,
  });
  const settled = starts(project, "rel-05");
  expect((await service(project, "rel-05")).state).toBe("crashed");
  // By a request it is tried once, when the last failure was a while ago.
  await waitFor(async () => {
    expect((await project.http("/rel-05/api/x")).status).toBe(503);
    return starts(project, "rel-05") > settled;
  });
  await waitFor(() => logOf(project, "rel-05").includes("failed 11 times in a row"));
  expect((await service(project, "rel-05")).state).toBe("crashed");
  tell(project, "rel-05", {});
  await waitForState(project, "rel-05", "running");
});
