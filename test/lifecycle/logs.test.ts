import {
  appendFileSync,
  existsSync,
  mkdirSync,
  mkdtempSync,
  readdirSync,
  readFileSync,
  rmSync,
  symlinkSync,
  utimesSync,
  writeFileSync,
} from "node:fs";
import { tmpdir } from "node:os";
import { dirname, join } from "node:path";
import { expect, test } from "vitest";
import { claimLogs, retireLogs, sweepLogs } from "../../src/host/runit/worktree-logs.ts";
import { layoutOf } from "../../src/model/layout.ts";
import type { TestProject } from "../support/project.ts";
import { must, reportOf } from "../support/running.ts";
import { waitFor } from "../support/wait.ts";
import { converged, startProject, writeNote } from "./support.ts";

const logsOf = (project: TestProject) => join(project.root, ".ikigai/logs");
const removedIn = (project: TestProject) => {
  const removed = join(logsOf(project), ".removed");
  return existsSync(removed) ? readdirSync(removed) : [];
};
const read = async (project: TestProject) =>
  (await project.ikigai("logs", "rel-05", "-n", "100")).stdout;
const lastUse = async (project: TestProject) =>
  (await reportOf(project, "rel-05"))?.services.map((service) => service.lastUse);

/** Uses the worktree: puts data into its schema and a line into its log. */
async function use(project: TestProject, line: string): Promise<void> {
  expect((await project.http("/rel-05/api/")).status).toBe(200);
  await writeNote(project, "wt_rel_05", line);
  const log = join(logsOf(project), "rel-05.backend/current");
  await waitFor(() => readFileSync(log, "utf8").includes("tiny listens"));
  appendFileSync(log, `${line}\n`);
  await waitFor(async () => (await lastUse(project))?.every((time) => time !== undefined));
}

test("a new worktree of an old name shows nothing of the old one's logs and use", {
  timeout: 180_000,
}, async () => {
  await using project = await startProject({ worktrees: ["rel-05"] });
  const add = () => project.git(".", "worktree", "add", "--quiet", "rel-05", "rel-05");
  await use(project, "first");
  expect(await read(project)).toContain("first");
  await project.git(".", "worktree", "remove", "rel-05");
  await converged(project);
  // For when its data is restored.
  expect(await read(project)).toContain("first");
  expect(removedIn(project)).toHaveLength(1);

  await add();
  await converged(project);
  expect(await read(project)).toBe("");
  expect(await lastUse(project)).toEqual([undefined]);
  await use(project, "second");
  expect(await read(project)).not.toContain("first");

  // The same if the removal and the new add are seen as one.
  await must(project, "stop");
  await project.git(".", "worktree", "remove", "rel-05");
  await add();
  await must(project, "start");
  await converged(project);
  expect(await read(project)).toBe("");
  expect(await lastUse(project)).toEqual([undefined]);
  expect(removedIn(project)).toHaveLength(2);
});

test("the logs of a removed worktree are removed with its data", async () => {
  const config = { worktrees: { retention: { age: "1s" } } };
  await using project = await startProject({ worktrees: ["rel-05"], config });
  await use(project, "first");
  await project.git(".", "worktree", "remove", "rel-05");
  const left = () => [
    ...removedIn(project),
    ...readdirSync(logsOf(project)).filter((name) => name.startsWith("rel-05")),
    ...readdirSync(join(project.root, ".ikigai/run/traffic")).filter((n) => n.startsWith("rel-05")),
  ];
  await waitFor(() => left().length === 0);
});

test("logs are kept for a restored worktree, and for no other", () => {
  const root = mkdtempSync(join(tmpdir(), "iki-"));
  try {
    const layout = layoutOf(root);
    const write = (path: string) => {
      mkdirSync(dirname(join(layout.ikigai, path)), { recursive: true });
      writeFileSync(join(layout.ikigai, path), path);
    };
    const list = () =>
      readdirSync(layout.ikigai, { recursive: true, withFileTypes: true })
        .filter((entry) => entry.isFile())
        .map((entry) => join(entry.parentPath, entry.name).slice(layout.ikigai.length + 1))
        .sort();
    mkdirSync(layout.ikigai);
    const own = ["logs/daemon/current", "logs/nginx.log", "logs/nginx.log.1"];
    for (const path of own) write(path);
    for (const name of ["red", "red-2"]) {
      claimLogs(layout, name, `${name}-1`);
      for (const path of [`logs/${name}.backend/current`, `run/traffic/${name}.backend`])
        write(path);
    }
    const other = ["logs/red-2.backend/current", "run/traffic/red-2.backend"];
    retireLogs(layout, "red");
    expect(list()).toEqual(["logs/.removed/red.red-1/backend/current", ...own, ...other].sort());
    claimLogs(layout, "red", "red-1");
    expect(list()).toEqual(["logs/red.backend/current", ...own, ...other].sort());
    retireLogs(layout, "red");
    claimLogs(layout, "red", "red-9");
    for (const path of ["logs/blue.backend/current", "run/traffic/blue.backend"]) write(path);
    const sweep = (identities: readonly string[], ...services: readonly string[]) =>
      sweepLogs(layout, {
        identities: new Set(identities),
        services: new Set(services),
        since: Date.now() - 60_000,
      });
    sweep(["red-1", "red-9", "red-2-1"]);
    expect(list()).toEqual(["logs/.removed/red.red-1/backend/current", ...own, ...other].sort());
    sweep(["red-9", "red-2-1"]);
    expect(list()).toEqual([...own, ...other].sort());
    // A service that the branch no longer has, while its last line is recent; and the setup commands'.
    const setup = "logs/red.setup/current";
    for (const path of [setup, "logs/red.gone/current", "logs/red.there/current"]) {
      write(path);
      utimesSync(join(layout.ikigai, path), 0, 0);
    }
    sweep(["red-9", "red-2-1"], "red.there");
    expect(list()).toEqual([setup, "logs/red.there/current", ...own, ...other].sort());

    // Nothing is removed at the target of a branch's link.
    write("elsewhere/red.gone/current");
    rmSync(join(layout.logs, ".removed"), { recursive: true });
    symlinkSync(join(layout.ikigai, "elsewhere"), join(layout.logs, ".removed"));
    sweep([]);
    retireLogs(layout, "red");
    expect(list()).toContain("elsewhere/red.gone/current");
  } finally {
    rmSync(root, { recursive: true });
  }
});
