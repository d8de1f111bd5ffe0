import { readFileSync } from "node:fs";
import { expect, test } from "vitest";
import { waitFor } from "../support/wait.ts";
import {
  logOf,
  openStream,
  report,
  run,
  service,
  startProbes,
  tell,
  waitForState,
} from "./support.ts";

const probe = new URL("./probe/backend/", import.meta.url);

/** The probe again, as a named service. */
function named(name: string, settings = {}): Record<string, string> {
  const file = (path: string) => readFileSync(new URL(path, probe), "utf8");
  return {
    [`${name}/backend/package.json`]: file("package.json"),
    [`${name}/backend/server.js`]: file("server.js"),
    [`${name}/backend/settings.json`]: JSON.stringify(settings),
  };
}

/** Returns when a probe last started. */
function began(log: string): number {
  return Number([...log.matchAll(/probe begins (\d+)/g)].at(-1)?.[1]);
}

test("a service with a health path gets no request before it is ready; others wait for it", async () => {
  const files = { ...named("store", { readyAfter: 1_000 }), ...named("cache") };
  await using project = await startProbes(
    {
      services: {
        store: { ready: "/api/health" },
        cache: { after: ["store"] },
        backend: { after: ["cache"], idle: "500ms" },
      },
    },
    { files },
  );
  const answer = await project.http("/rel-05/api/x");
  expect(answer.status).toBe(200);
  const times = ["store", "cache", "backend"].map((name) => began(logOf(project, "rel-05", name)));
  expect(times).toEqual([...times].sort((a, b) => a - b));
  // The store was ready a second after its start, and the next service started later.
  expect((times[1] ?? 0) - (times[0] ?? 0)).toBeGreaterThanOrEqual(1_000);

  // A service in another's `after` stays while that one runs, and may stop after it.
  await waitForState(project, "rel-05", "idle");
  expect((await service(project, "rel-05", "store")).state).toBe("running");

  tell(project, "rel-05", {});
  await run(project, "down", "rel-05");
  await run(project, "lease", "rel-05/backend", "--", "true");
  const { services } = await report(project, "rel-05");
  expect(services.map(({ state }) => state)).toEqual(["running", "running", "running"]);
});

test("a service without HTTP is ready once it runs, others wait for it, and it has no address", async () => {
  const starts = (start: string) => JSON.stringify({ private: true, scripts: { start } });
  await using project = await startProbes(
    {
      services: {
        // Longer than any request waits here.
        queue: { http: false, patience: "10m" },
        worker: { http: false, idle: "500ms" },
        broken: { http: false, start: "manual" },
        backend: { after: ["queue"], idle: "500ms" },
      },
    },
    {
      worktrees: ["rel-05", "rel-06"],
      files: {
        "queue/backend/package.json": starts("exec sleep 100000"),
        "worker/backend/package.json": starts("exec sleep 100000"),
        "broken/backend/package.json": starts("exit 7"),
      },
    },
  );
  expect((await project.http("/rel-05/api/x")).status).toBe(200);
  expect(await service(project, "rel-05", "queue")).toMatchObject({ state: "running", url: null });
  await run(project, "up", "rel-05/queue");
  const answer = await project.http("/rel-05/queue/api/x");
  expect([answer.status, answer.json<{ why: string }>().why]).toEqual([
    404,
    "The service queue of rel-05 has no HTTP (services.queue.http is false).",
  ]);
  const broken = await project.ikigai("up", "rel-05/broken");
  expect(broken.exitCode).toBe(1);
  expect(broken.stderr).toContain("rel-05/broken did not start: it ended with exit code 7");

  // It gets no requests: it runs as long as its worktree is in use, and stops with it.
  const stream = await openStream(project, "rel-05");
  await run(project, "up", "rel-05/worker");
  await run(project, "up", "rel-06/worker");
  await waitForState(project, "rel-06", "idle", "worker");
  expect((await service(project, "rel-05", "worker")).state).toBe("running");
  stream.close();
  await waitForState(project, "rel-05", "idle", "worker");
});

test("a service whose predecessor fails reports that", async () => {
  await using project = await startProbes(
    { services: { backend: { after: ["store"] } } },
    { files: named("store", { broken: "no disk" }) },
  );
  const answer = await project.http("/rel-05/api/x");
  expect(answer.status).toBe(503);
  const { why, log } = answer.json<{ why: string; log: string[] }>();
  expect(why).toBe("it starts after rel-05/store, which did not start: it ended with exit code 1");
  expect(log.join("\n")).toContain("no disk");
});

test("services wait for their worktree's database, and report when it is down", async () => {
  await using project = await startProbes({ services: { backend: { patience: "2s" } } });
  await run(project, "down", "rel-05");
  const pgCtl = `${project.root}/.ikigai/bin/pg_ctl`;
  expect((await project.run(pgCtl, ["stop"])).exitCode).toBe(0);
  await project.git(".", "worktree", "add", "--quiet", "-b", "rel-09", project.worktree("rel-09"));
  const answer = await project.http("/rel-09/api/x");
  expect(answer.status).toBe(503);
  expect(answer.json<{ why: string }>().why).toContain("Postgres does not answer");
  expect((await project.run(pgCtl, ["start"])).exitCode).toBe(0);
  await waitFor(async () => (await project.http("/rel-09/api/x")).status === 200);
});
