import { expect, test } from "vitest";
import { ask as request } from "../support/http.ts";
import { waitFor } from "../support/wait.ts";
import { ask, openStream, service, startProbes, starts, tell } from "./support.ts";

test("the least recently used service is evicted, never one in use", async () => {
  await using project = await startProbes(
    { limits: { running: 3 }, services: { backend: { patience: "2s" } } },
    { worktrees: ["rel-05", "rel-06", "rel-07"] },
  );
  const main = await ask(project, "main");
  await ask(project, "rel-05");
  await ask(project, "rel-06");
  await ask(project, "rel-07");
  expect((await service(project, "rel-05")).state).toBe("idle");
  expect((await service(project, "rel-06")).state).toBe("running");
  expect((await ask(project, "main")).pid).toBe(main.pid);

  const stream = await openStream(project, "rel-06");
  await ask(project, "rel-05");
  expect((await service(project, "rel-06")).state).toBe("running");
  expect((await service(project, "rel-07")).state).toBe("idle");

  const other = await openStream(project, "rel-05");
  const refused = await project.http("/rel-07/api/x");
  expect(refused.status).toBe(503);
  const { why } = refused.json<{ why: string }>();
  expect(why).toContain("at most 3 services may run at once (limits.running)");
  expect(why).toContain("main/backend, rel-05/backend, rel-06/backend");
  expect((await service(project, "rel-07")).state).toBe("idle");

  // A waiting request gets the place of the first service that becomes unused.
  const waiting = ask(project, "rel-07");
  other.close();
  expect((await waiting).worktree).toBe("rel-07");
  expect((await service(project, "rel-05")).state).toBe("idle");
  stream.close();
});

test("many requests at once never exceed the limit", async () => {
  const worktrees = ["rel-05", "rel-06", "rel-07", "rel-08"];
  await using project = await startProbes({ limits: { running: 2 } }, { worktrees });
  const seen = await Promise.all(worktrees.map((worktree) => ask(project, worktree)));
  expect(seen.map(({ worktree }) => worktree)).toEqual(worktrees);
  const states = await Promise.all(worktrees.map((worktree) => service(project, worktree)));
  expect(states.filter(({ state }) => state === "running")).toHaveLength(1);
});

test("a service reported as up stays up for that request, even if others want its place", async () => {
  const worktrees = ["rel-05", "rel-06"];
  await using project = await startProbes({ limits: { running: 2 } }, { worktrees });
  const wake = (worktree: string) =>
    request(0, "/wake", {
      socketPath: `${project.root}/.ikigai/run/gate.sock`,
      headers: { "x-ikigai-worktree": worktree, "x-ikigai-service": "backend" },
    });
  // Like nginx, which then connects.
  expect((await wake("rel-05")).status).toBe(200);
  const other = wake("rel-06");
  // By then the daemon has noticed it.
  await request(0, "/v1/health", { socketPath: `${project.root}/.ikigai/daemon.sock` });
  await ask(project, "rel-05");
  expect(starts(project, "rel-05")).toBe(1);
  expect((await other).status).toBe(200);
  expect((await service(project, "rel-05")).state).toBe("idle");
});

test("the memory of all processes of a service counts, and is limited", async () => {
  await using project = await startProbes(
    { limits: { memory: "600MB" } },
    { worktrees: ["rel-05", "rel-06"] },
  );
  tell(project, "rel-05", { ballast: 200_000_000 });
  tell(project, "rel-06", { ballast: 200_000_000 });
  await ask(project, "rel-05");
  const { memory = 0, pid = 0 } = await service(project, "rel-05");
  // runsv started npm; its grandchild uses the memory.
  expect(memory).toBeGreaterThan(200_000_000);
  expect((await ask(project, "rel-05")).pid).not.toBe(pid);
  await waitFor(
    async () => {
      await ask(project, "rel-06");
      return (await service(project, "rel-05")).state === "idle";
    },
    { deadline: 30_000, every: 200 },
  );
  expect((await service(project, "rel-06")).state).toBe("running");
});
