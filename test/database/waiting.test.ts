import { join } from "node:path";
import { afterAll, beforeAll, expect, test } from "vitest";
import type { TestProject } from "../support/project.ts";
import { waitFor } from "../support/wait.ts";
import { psql, show, startProject, until } from "./support.ts";

let project: TestProject;

beforeAll(async () => {
  project = await startProject();
  await psql(
    project,
    "main",
    "CREATE TABLE parts AS SELECT n AS id, md5(n::text) || repeat('x', 400) AS text FROM generate_series(1, 150000) n",
  );
});
afterAll(() => project?.dispose());

const COUNT = "SELECT count(*) FROM parts";

test("psql right after the add waits for the complete branch, also where git runs no hook", async () => {
  await project.git("main", "worktree", "add", "-q", "-b", "waited", "../waited", "main");
  expect(await psql(project, "waited", COUNT)).toBe("150000");
  await project.git("main", "worktree", "add", "-q", "--no-checkout", "-b", "bare", "../bare");
  expect(await psql(project, "bare", `${COUNT}; SELECT current_user`)).toBe("150000\nwt_bare");
});

test("on a terminal it shows the branch's progress, and so does the list", async () => {
  // Changed, so that a reserve needs a copy to equal it.
  await psql(project, "main", "CREATE INDEX ON parts (text)");
  await project.git("main", "worktree", "add", "-q", "-b", "slow", "../slow", "main");
  const program = join(project.root, ".ikigai/bin/psql");
  const typed = project.run("script", ["-qec", `${program} -XAtc '${COUNT}'`, "/dev/null"], {
    cwd: "slow",
    env: { PAGER: "cat" },
  });
  const seen: string[] = [];
  await waitFor(async () => {
    seen.push((await project.ikigai("wt", "list")).stdout);
    return (await show(project, "slow")).state === "ready";
  });
  expect(seen.join()).toMatch(/branching \d+ %/);
  const { stdout } = await typed;
  expect(stdout).toMatch(/branching the database of slow: \d+ %/);
  expect(stdout).toMatch(/150000/);
});

test("a request waits for its worktree's database, and ikigai wt wait returns when it is ready", async () => {
  await psql(project, "main", "CREATE INDEX ON parts (id)");
  await project.git("main", "worktree", "add", "-q", "-b", "asked", "../asked", "main");
  const answer = await project.http("/asked/api/");
  expect(answer.status).toBeLessThan(500);
  expect((await show(project, "asked")).state).toBe("ready");
  await psql(project, "main", "CREATE INDEX ON parts (id, text)");
  await project.git("main", "worktree", "add", "-q", "-b", "last", "../last", "main");
  expect(await project.ikigai("wt", "wait", "last")).toMatchObject({ exitCode: 0 });
  expect((await until(project, "last", "ready")).problems).toEqual([]);
  expect(await psql(project, "last", COUNT)).toBe("150000");
});
