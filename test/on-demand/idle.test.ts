import { existsSync, renameSync } from "node:fs";
import { afterAll, beforeAll, expect, test } from "vitest";
import { daemonPid } from "../support/daemon.ts";
import type { TestProject } from "../support/project.ts";
import { waitFor } from "../support/wait.ts";
import {
  ask,
  askWhileItStops,
  openStream,
  openWebSocket,
  run,
  service,
  startProbes,
  starts,
  tell,
  waitForState,
} from "./support.ts";

let project: TestProject;

beforeAll(async () => {
  project = await startProbes(
    { services: { backend: { idle: "300ms" } } },
    { worktrees: ["rel-05", "rel-06", "rel-07", "rel-08"] },
  );
});
afterAll(() => project?.dispose());

/** Waits until others that were used at the same time have been stopped as idle. */
async function untilOthersStopped(...worktrees: string[]): Promise<void> {
  for (const worktree of worktrees) await waitForState(project, worktree, "idle");
}

test("a service without traffic is stopped, its memory is freed, and the next request starts it", async () => {
  const first = await ask(project, "rel-05");
  const seen = await service(project, "rel-05");
  expect(seen.memory).toBeGreaterThan(10_000_000);
  expect(Date.parse(seen.lastUse ?? "")).toBeGreaterThan(Date.now() - 10_000);
  await waitForState(project, "rel-05", "idle");
  // A container's init may leave ended processes as zombies.
  const { stdout } = await project.run("ps", ["-o", "stat=", "-p", `${first.pid}`]);
  expect(stdout).toMatch(/^(Z.*)?$/);
  expect((await service(project, "rel-05")).memory).toBeUndefined();
  expect((await ask(project, "rel-05")).pid).not.toBe(first.pid);
});

test("the default worktree's services are not stopped", async () => {
  const { pid } = await ask(project, "main");
  await ask(project, "rel-05");
  await untilOthersStopped("rel-05");
  expect((await ask(project, "main")).pid).toBe(pid);
});

test("an event stream and a WebSocket count as traffic, for as long as they are open", async () => {
  const stream = await openStream(project, "rel-06");
  const socket = await openWebSocket(project, "rel-07");
  await ask(project, "rel-08");
  await untilOthersStopped("rel-08");
  await ask(project, "rel-08");
  await untilOthersStopped("rel-08");
  expect((await service(project, "rel-06")).state).toBe("running");
  expect((await service(project, "rel-07")).state).toBe("running");
  await socket.echo("still there");
  socket.close();
  stream.close();
  await untilOthersStopped("rel-06", "rel-07");
});

test("requests that come while it is stopped wait for its next start", async () => {
  tell(project, "rel-08", { linger: 1_500 });
  await run(project, "down", "rel-08");
  const before = starts(project, "rel-08");
  for (let stops = 0; stops < 2; stops++) await askWhileItStops(project, "rel-08", 1_600);
  expect(starts(project, "rel-08") - before).toBeGreaterThan(1);
}, 120_000);

test("a restarted daemon finds running services, and counts from then on", async () => {
  const stream = await openStream(project, "rel-06");
  const { pid } = await ask(project, "rel-06");
  const daemon = await daemonPid(project);
  process.kill(daemon, "SIGKILL");
  await waitFor(async () => (await daemonPid(project)) !== daemon, { deadline: 20_000 });
  expect((await ask(project, "rel-06")).pid).toBe(pid);
  expect(starts(project, "rel-06")).toBeGreaterThan(0);
  stream.close();
  await untilOthersStopped("rel-06");
  await run(project, "wt", "list");
});

test("a stop that was interrupted with the daemon leaves no unreachable service", async () => {
  // Interrupted before the service was stopped: its socket is hidden, and it runs.
  const stream = await openStream(project, "rel-05");
  const { pid } = await ask(project, "rel-05");
  const sockets = `${project.root}/.ikigai/run/sockets/rel-05`;
  renameSync(`${sockets}/backend.sock`, `${sockets}/.backend.aside`);
  expect((await ask(project, "rel-05")).pid).toBe(pid);
  stream.close();

  // Interrupted while it ends.
  tell(project, "rel-07", { linger: 1_500 });
  await ask(project, "rel-07");
  const daemon = await daemonPid(project);
  const going = project.ikigai("down", "rel-07");
  await waitFor(() => existsSync(`${project.root}/.ikigai/sv/rel-07.backend/down`));
  process.kill(daemon, "SIGKILL");
  await going;
  await waitFor(async () => (await ask(project, "rel-07")).worktree === "rel-07");
});
