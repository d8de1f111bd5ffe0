import { existsSync, readFileSync } from "node:fs";
import { join } from "node:path";
import { setTimeout } from "node:timers/promises";
import { afterAll, beforeAll, expect, test } from "vitest";
import { daemonPid } from "../support/daemon.ts";
import type { TestProject } from "../support/project.ts";
import { waitFor } from "../support/wait.ts";
import { owner, psql, startProject, until } from "./support.ts";

let project: TestProject;

beforeAll(async () => {
  project = await startProject();
  await psql(
    project,
    "main",
    `CREATE TABLE parts (id int PRIMARY KEY, text text); CREATE INDEX ON parts (text);
     INSERT INTO parts SELECT n, md5(n::text) || repeat('x', 400) FROM generate_series(1, 40000) n`,
  );
});
afterAll(() => project?.dispose());

const content = (worktree: string) =>
  psql(project, worktree, "SELECT count(*), sum(hashtext(text)) FROM parts");
const halves = () =>
  owner(
    project,
    `SELECT nspname FROM pg_namespace WHERE nspname ~ '^ikigai_build_'
     UNION SELECT rolname FROM pg_roles WHERE rolname ~ '^(wt|ikigai_build|ikigai_reserve)_' AND NOT EXISTS (SELECT FROM pg_namespace WHERE nspname = rolname)`,
  );

const answers = () =>
  owner(project, "SELECT 1").then(
    () => true,
    () => false,
  );

const pidFile = () => join(project.root, ".ikigai/db/postmaster.pid");
const serverPid = () => Number(readFileSync(pidFile(), "utf8").split("\n", 1)[0]);

/** Adds a worktree and interrupts its branch after some milliseconds, by killing a process. */
async function cutOff(name: string, pid: number, after: number): Promise<void> {
  await project.git("main", "worktree", "add", "--quiet", "-b", name, `../${name}`, "main");
  await setTimeout(after);
  process.kill(pid, "SIGKILL");
}

test.each([5, 120, 250, 400])(
  "a daemon killed %i ms into a branch leaves none, and completes it after a restart",
  async (after) => {
    const name = `daemon-${after}`;
    await cutOff(name, await daemonPid(project), after);
    await until(project, name, "ready");
    expect(await content(name)).toBe(await content("main"));
    await waitFor(async () => (await halves()) === "", {
      deadline: 30_000,
      what: "a clean server",
    });
  },
);

test.each([10, 200, 350])("a server killed %i ms into a branch does too", async (after) => {
  const name = `server-${after}`;
  const killed = serverPid();
  await cutOff(name, killed, after);
  // The branch may finish before the kill: then `ready` says nothing about the server.
  await waitFor(() => existsSync(pidFile()) && serverPid() !== killed, {
    deadline: 40_000,
    what: "another server",
  });
  await waitFor(answers, { deadline: 40_000, what: "a server that answers" });
  await until(project, name, "ready");
  expect(await content(name)).toBe(await content("main"));
  await waitFor(async () => (await halves()) === "", { deadline: 40_000, what: "a clean server" });
});

test("a role that a killed daemon left for a meanwhile removed worktree is swept", async () => {
  const role =
    "CREATE ROLE wt_nobody; COMMENT ON ROLE wt_nobody IS 'ikigai:role'; CREATE ROLE wt_somebody";
  await owner(project, role);
  process.kill(await daemonPid(project), "SIGKILL");
  const left =
    "SELECT string_agg(rolname, ' ') FROM pg_roles WHERE rolname IN ('wt_nobody', 'wt_somebody')";
  // Only what bears our mark is dropped.
  await waitFor(async () => (await owner(project, left)) === "wt_somebody", { deadline: 30_000 });
  await owner(project, "DROP ROLE wt_somebody");
});
