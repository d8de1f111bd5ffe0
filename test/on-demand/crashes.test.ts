import { writeFileSync } from "node:fs";
import { afterAll, beforeAll, expect, test } from "vitest";
import type { WorktreeReport } from "../../src/model/reports.ts";
import type { TestProject } from "../support/project.ts";
import { waitFor } from "../support/wait.ts";
import { logOf, run, service, startProbes, starts, tell, waitForState } from "./support.ts";

let project: TestProject;

beforeAll(async () => {
  project = await startProbes();
});
afterAll(() => project?.dispose());

const crashes = () => `${project.root}/.ikigai/run/services/rel-05.backend/crashes`;

test("a failing service is not started for every request, and is retried after a change", async () => {
  tell(project, "rel-05", { broken: "not yet" });
  const before = starts(project, "rel-05");
  for (let i = 0; i < 20; i++) expect((await project.http("/rel-05/api/x")).status).toBe(503);
  expect(starts(project, "rel-05") - before).toBeLessThan(5);
  expect(await service(project, "rel-05")).toMatchObject({
    state: expect.stringMatching(/^crash(ed|ing)$/),
    why: expect.stringMatching(/^it failed (\d+ times in a row )?\(exit code 1\)$/),
    failures: expect.any(Number),
  });
  const { why, log } = (await project.http("/rel-05/api/x")).json<{ why: string; log: string[] }>();
  expect(why).toBe("it ended with exit code 1");
  expect(log.join("\n")).toContain("not yet");
  // It may be writing just now, as it is being retried.
  const said =
    /^ {2}rel-05\/backend: it failed .*\(exit code 1\)\n {4}Error: not yet\n(?: {4}.*\n){0,2} {2}next: ikigai logs rel-05\/backend$/m;
  for (const command of [["list"], ["show", "rel-05"]]) {
    await waitFor(async () => said.test(await run(project, "wt", ...command)));
    expect(await run(project, "wt", ...command)).not.toContain("main/backend: ");
  }
  expect(await run(project, "logs", "rel-05/backend")).toMatch(/ended \(exit code 1, signal 0\)/);
  // Also just after the start of another process.
  for (let i = 0; i < 4; i++) {
    await project.http("/rel-05/api/x");
    const { exitCode, stdout } = await project.ikigai("status", "--json");
    const { healthy, worktrees } = JSON.parse(stdout) as {
      healthy: boolean;
      worktrees: WorktreeReport[];
    };
    const failing = worktrees.find(({ slug }) => slug === "rel-05");
    expect([exitCode, healthy, failing?.state]).toEqual([1, false, "problem"]);
    expect(failing?.services[0]?.state).toMatch(/^crash(ed|ing)$/);
  }
  expect(await run(project, "wt", "list")).toMatch(/backend crash(ed|ing) \(\d+×\).* problem$/m);
  tell(project, "rel-05", {});
  await waitForState(project, "rel-05", "running");
  expect((await project.http("/rel-05/api/x")).status).toBe(200);
  expect(await run(project, "wt", "list")).not.toContain("it failed");
});

test("after ten failures it is not retried until a change or a request", async () => {
  await run(project, "down", "rel-05");
  tell(project, "rel-05", { broken: "for good" });
  expect((await project.http("/rel-05/api/x")).status).toBe(503);
  writeFileSync(crashes(), `9 1 0 ${Math.round(Date.now() / 1000)}\n`);
  await waitFor(() => logOf(project, "rel-05").includes("failed 10 times in a row"), {
    deadline: 30_000,
  });
  const settled = starts(project, "rel-05");
  expect((await service(project, "rel-05")).state).toBe("crashed");
  // A request causes one try, if the last failure was a while ago.
  await waitFor(async () => {
    expect((await project.http("/rel-05/api/x")).status).toBe(503);
    return starts(project, "rel-05") > settled;
  });
  await waitFor(() => logOf(project, "rel-05").includes("failed 11 times in a row"));
  expect((await service(project, "rel-05")).state).toBe("crashed");
  tell(project, "rel-05", {});
  await waitForState(project, "rel-05", "running");
});
