import { expect, test } from "vitest";
import { daemonPid } from "../support/daemon.ts";
import { waitFor } from "../support/wait.ts";
import { ask, openStream, startProbes, starts } from "./support.ts";

test("without the daemon running services answer, idle ones are explained, and all works after its restart", async () => {
  await using project = await startProbes({}, { worktrees: ["rel-05", "rel-06"] });
  const { pid } = await ask(project, "rel-05");
  const stream = await openStream(project, "rel-05");
  const daemon = await daemonPid(project);
  const sv = `${project.root}/.ikigai/bin/sv`;
  expect((await project.run(sv, ["stop", "daemon"])).exitCode).toBe(0);

  expect((await ask(project, "rel-05")).pid).toBe(pid);
  const json = await project.http("/rel-06/api/x", { method: "POST", body: "x" });
  expect([json.status, json.json()]).toMatchObject([503, { next: "ikigai start" }]);
  const html = await project.http("/rel-06/api/x", { headers: { accept: "text/html" } });
  expect([html.status, html.text]).toEqual([503, expect.stringContaining("ikigai start")]);

  expect((await project.run(sv, ["start", "daemon"])).exitCode).toBe(0);
  await waitFor(async () => (await ask(project, "rel-06")).worktree === "rel-06");
  expect(await daemonPid(project)).not.toBe(daemon);
  expect((await ask(project, "rel-05")).pid).toBe(pid);
  expect(starts(project, "rel-05")).toBe(1);
  await project.http("/rel-05/api/release");
  expect(await stream.ended).toContain("ends");
});
