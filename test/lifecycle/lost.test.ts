import { existsSync, readFileSync, readlinkSync } from "node:fs";
import { rm, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import type { TestProject } from "../support/project.ts";
import { must } from "../support/running.ts";
import { waitFor } from "../support/wait.ts";
import { startProject } from "./support.ts";

let project: TestProject;
const inside = (path: string) => join(project.root, ".ikigai", path);

beforeAll(async () => {
  project = await startProject({ worktrees: ["rel-05"] });
  expect((await project.http("/rel-05/api/")).status).toBe(200);
});
afterAll(async () => {
  expect(await project.dispose()).toEqual([]);
});

/** Reads the first line of each file with the pid of a process that must continue. */
const pids = () =>
  [
    "run/runsvdir.pid",
    "run/daemon.pid",
    "httpd/pid/nginx.pid",
    "db/postmaster.pid",
    "sv/rel-05.backend/supervise/pid",
  ].map((name) => readFileSync(inside(name), "utf8").split("\n")[0]);

describe("in a running project that lost a part of its state", () => {
  it("the record of its location is kept by init and start", async () => {
    const before = pids();
    await rm(inside("run/place"));
    await must(project, "init");
    await must(project, "start");
    expect(pids()).toEqual(before);
  });

  it("the link to the default worktree's sockets is recreated by a start", async () => {
    await rm(inside("run/sockets/.default"));
    await must(project, "start");
    expect(readlinkSync(inside("run/sockets/.default"))).toBe("main");
  });

  it("the daemon's socket is recreated by the same daemon", async () => {
    const before = pids();
    await rm(inside("daemon.sock"));
    await waitFor(async () => (await project.ikigai("wt", "wait", "rel-05")).exitCode === 0);
    expect(pids()).toEqual(before);
  });

  it("the gate's socket is recreated and starts services again", async () => {
    await must(project, "down", "rel-05");
    await rm(inside("run/gate.sock"));
    await waitFor(async () => (await project.http("/rel-05/api/")).status === 200);
  });

  it("a service whose socket is lost is restarted by the next request", async () => {
    await rm(inside("run/sockets/rel-05/backend.sock"));
    expect((await project.http("/rel-05/api/")).json()).toMatchObject({ worktree: "rel-05" });
  });

  it("all sockets of services are recreated", async () => {
    const before = pids().slice(0, 4);
    await rm(inside("run/sockets"), { recursive: true });
    await waitFor(() => readlinkSync(inside("run/sockets/.default")) === "main");
    for (const worktree of ["rel-05", "main"]) {
      await waitFor(async () => (await project.http(`/${worktree}/api/`)).status === 200);
    }
    expect(pids().slice(0, 4)).toEqual(before);
  });

  it.each(["rel-05/.envrc", ".git/worktrees/rel-05/ikigai.sh", ".ikigai/run/env/rel-05.sh"])(
    "%s is restored by a start when it is missing or replaced",
    async (name) => {
      const path = join(project.root, name);
      const before = readFileSync(path, "utf8");
      await rm(path);
      await must(project, "start");
      expect(readFileSync(path, "utf8")).toBe(before);
      if (name.endsWith(".envrc")) return;
      await writeFile(path, "garbage\n");
      await must(project, "start");
      expect(readFileSync(path, "utf8")).toBe(before);
    },
  );

  it("an .envrc is not restored while tracked files are missing, as while git removes a worktree", async () => {
    const envrc = join(project.root, "rel-05/.envrc");
    for (const path of [envrc, join(project.root, "rel-05/backend")])
      await rm(path, { recursive: true });
    await must(project, "start");
    expect(existsSync(envrc)).toBe(false);
    await project.git("rel-05", "checkout", "--quiet", "--", ".");
    await must(project, "start");
    expect(existsSync(envrc)).toBe(true);
  });

  it("all of run/, deleted while it was stopped, is recreated by a start", async () => {
    await must(project, "stop");
    await rm(inside("run"), { recursive: true });
    await must(project, "start");
    expect((await project.http("/api/")).json()).toMatchObject({ worktree: "main" });
    expect((await project.http("/rel-05/api/")).json()).toMatchObject({ worktree: "rel-05" });
  });

  it("a service's log that a killed daemon had not started is started by the next daemon", async () => {
    const sv = (...args: string[]) => project.run(".ikigai/bin/sv", args);
    const log = inside("sv/rel-05.backend/log");
    await sv("-w", "5", "down", log);
    await writeFile(inside("sv/rel-05.backend/unbegun"), "");
    await sv("-w", "10", "restart", inside("sv/daemon"));
    await waitFor(async () => (await sv("status", log)).stdout.startsWith("run:"));
    expect(existsSync(inside("sv/rel-05.backend/unbegun"))).toBe(false);
  });
});
