import { expect, test } from "vitest";
import {
  ask,
  askWhileItStops,
  openStream,
  run,
  service,
  startProbes,
  starts,
  tell,
  waitForState,
} from "./support.ts";

test("a backend on TCP is activated, counted and stopped like any other", async () => {
  await using project = await startProbes(
    { services: { backend: { listen: "tcp", idle: "300ms" } } },
    { settings: { linger: 1_500 }, worktrees: ["rel-05", "rel-06"] },
  );
  expect((await ask(project, "rel-05", { method: "POST", body: "abc" })).size).toBe(3);
  await waitForState(project, "rel-05", "idle");

  const stream = await openStream(project, "rel-06");
  await ask(project, "rel-05");
  await waitForState(project, "rel-05", "idle");
  expect((await service(project, "rel-06")).state).toBe("running");
  stream.close();
  await waitForState(project, "rel-06", "idle");

  const before = starts(project, "rel-05");
  await askWhileItStops(project, "rel-05", 1_200);
  expect(starts(project, "rel-05")).toBeGreaterThan(before);
});

test("a service that was stopped by hand stays down until a command starts it", async () => {
  await using project = await startProbes();
  await ask(project, "rel-05");
  const sv = `${project.root}/.ikigai/bin/sv`;
  expect((await project.run(sv, ["stop", ".ikigai/sv/rel-05.backend"])).exitCode).toBe(0);
  const refused = await project.http("/rel-05/api/x");
  expect([refused.status, refused.json()]).toMatchObject([
    503,
    { why: "it was stopped by hand", next: "ikigai up rel-05/backend" },
  ]);
  expect((await service(project, "rel-05")).state).toBe("stopped");
  await run(project, "up", "rel-05");
  await ask(project, "rel-05");

  // A stop does not wait for a slow start.
  await run(project, "down", "rel-05");
  tell(project, "rel-05", { listenAfter: 60_000 });
  const waiting = project.http("/rel-05/api/x");
  await waitForState(project, "rel-05", "starting");
  await run(project, "down", "rel-05");
  expect((await waiting).json()).toMatchObject({ why: "it was stopped before it was ready" });
  expect((await service(project, "rel-05")).state).toBe("idle");
});
