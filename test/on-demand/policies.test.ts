import { afterAll, beforeAll, expect, test } from "vitest";
import type { TestProject } from "../support/project.ts";
import { waitFor } from "../support/wait.ts";
import { ask, run, service, startProbes, starts, waitForState } from "./support.ts";

let project: TestProject;

const again = ["backend/package.json", "backend/server.js", "backend/settings.json"];
const probe = new URL("./probe/", import.meta.url);

beforeAll(async () => {
  const { readFileSync } = await import("node:fs");
  const files = Object.fromEntries(
    ["worker", "tool"].flatMap((name) =>
      again.map((file) => [`${name}/${file}`, readFileSync(new URL(file, probe), "utf8")]),
    ),
  );
  project = await startProbes(
    { services: { worker: { start: "always" }, tool: { start: "manual" } } },
    { files, branches: ["rel-06"] },
  );
});
afterAll(() => project?.dispose());

test("ikigai start starts the default worktree's services, and those with start: always of requested worktrees", async () => {
  expect((await service(project, "rel-05", "worker")).state).toBe("idle");
  expect(starts(project, "rel-05", "worker")).toBe(0);
  await run(project, "up", "rel-05/worker");
  await run(project, "restart");
  expect((await service(project, "main")).state).toBe("running");
  expect((await service(project, "main", "worker")).state).toBe("running");
  expect((await service(project, "rel-05", "worker")).state).toBe("running");
  expect(await service(project, "rel-05")).toMatchObject({ state: "idle", start: "on-demand" });
  expect(await service(project, "main", "tool")).toMatchObject({
    state: "stopped",
    start: "manual",
  });
});

test("nothing of a new worktree runs before it is requested, then also services with start: always", async () => {
  await project.git(".", "worktree", "add", "--quiet", project.worktree("rel-06"), "rel-06");
  await waitFor(async () => (await service(project, "rel-06", "worker")).state === "idle");
  // None of these concerns that worktree.
  await run(project, "trust", "rel-05", "--yes");
  await run(project, "wt", "add", "rel-07");
  await run(project, "wt", "remove", "rel-07");
  await run(project, "start");
  expect((await service(project, "rel-06", "worker")).state).toBe("idle");
  expect(starts(project, "rel-06", "worker")).toBe(0);
  expect((await ask(project, "rel-06")).worktree).toBe("rel-06");
  await waitForState(project, "rel-06", "running", "worker");
  expect((await service(project, "rel-06", "tool")).state).toBe("stopped");
});

test("a manual service does not start on a request, but by command", async () => {
  const refused = await project.http("/rel-05/tool/api/x");
  expect(refused.status).toBe(503);
  expect(refused.json()).toMatchObject({
    why: "it starts only by command",
    next: "ikigai up rel-05/tool",
  });
  await run(project, "up", "rel-05/tool");
  expect((await project.http("/rel-05/tool/api/x")).status).toBe(200);
  await run(project, "down", "rel-05/tool");
  expect((await project.http("/rel-05/tool/api/x")).status).toBe(503);
});

test("up and down apply to the directory's worktree, and report what they did", async () => {
  const here = { cwd: `${project.worktree("rel-05")}/backend` };
  const cli = new URL("../../dist/cli.cjs", import.meta.url).pathname;
  const up = await project.run(process.execPath, [cli, "up"], here);
  expect([up.exitCode, up.stderr]).toEqual([
    0,
    "  rel-05/backend running\n  rel-05/tool running\n  rel-05/worker running\n".trimEnd(),
  ]);
  const down = await project.run(process.execPath, [cli, "down", "--json"], here);
  expect(JSON.parse(down.stdout).worktree.services[0]).toMatchObject({ state: "idle" });
  const nowhere = await project.ikigai("down");
  expect(nowhere.exitCode).toBe(1);
  expect(nowhere.stderr).toContain("ikigai down WORKTREE");
  const unknown = await project.ikigai("up", "rel-05/nothing");
  expect(unknown.stderr).toContain("There is no service nothing in rel-05");
});

test("restart restarts the named services only", async () => {
  const before = await ask(project, "rel-05");
  const other = await ask(project, "main");
  const done = await project.ikigai("restart", "rel-05/backend");
  expect([done.exitCode, done.stderr]).toEqual([0, "  rel-05/backend running"]);
  expect((await ask(project, "rel-05")).pid).not.toBe(before.pid);
  expect((await ask(project, "main")).pid).toBe(other.pid);
});

test("a stopped service of the default worktree stays down at a reconcile, and starts on a request", async () => {
  await run(project, "down", "main");
  await project.git("main", "commit", "--quiet", "--allow-empty", "-m", "A look is due");
  await run(project, "plan");
  expect((await service(project, "main")).state).toBe("idle");
  expect((await service(project, "main", "worker")).state).toBe("stopped");
  expect((await project.http("/api/x")).status).toBe(200);
  expect((await service(project, "main", "worker")).state).toBe("stopped");
  await run(project, "down", "main");
  await run(project, "stop");
  await run(project, "start");
  expect((await service(project, "main", "worker")).state).toBe("running");
});
