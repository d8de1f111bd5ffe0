import { existsSync } from "node:fs";
import { appendFile, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { afterAll, beforeAll, expect, test } from "vitest";
import { show, until } from "../database/support.ts";
import { makeProject, type TestProject } from "../support/project.ts";
import { waitFor } from "../support/wait.ts";

let project: TestProject;
const canary = (name: string) => join(project.root, `../ran-in-${name}`);
const ran = (name: string) => existsSync(canary(name));

const SCRIPT = 'touch "$(dirname "$IKIGAI_ROOT")/ran-in-$IKIGAI_WORKTREE"\n';

beforeAll(async () => {
  project = await makeProject({
    config: { database: { migrate: ["sh", "migrate.sh"] } },
    files: { "migrate.sh": SCRIPT },
  });
  const root = `IKIGAI_ROOT='${project.root}'\n`;
  await writeFile(join(project.worktree("main"), "migrate.sh"), root + SCRIPT);
  await project.git("main", "commit", "--quiet", "--all", "--message", "where");
  for (const name of ["by-request", "by-up", "by-setup", "by-trust"]) {
    await project.git("main", "switch", "--quiet", "--create", name);
    await appendFile(join(project.worktree("main"), "migrate.sh"), `# ${name}\n`);
    await project.git("main", "commit", "--quiet", "--all", "--message", name);
    await project.git("main", "switch", "--quiet", "main");
  }
  const started = await project.ikigai("start");
  expect(started.exitCode, started.stderr).toBe(0);
});
afterAll(() => project?.[Symbol.asyncDispose]());

test("an approved command runs automatically in the default worktree, and where its history contains the commit", async () => {
  expect(ran("main")).toBe(true);
  await project.git("main", "worktree", "add", "-q", "-b", "same", project.worktree("same"));
  await project.git("main", "worktree", "add", "-q", "--detach", "../older", "main~1");
  await until(project, "same", "ready");
  await until(project, "older", "ready");
  expect(ran("same")).toBe(true);
});

const asking: Record<string, (name: string) => Promise<unknown>> = {
  "by-request": (name) => project.http(`/${name}/api/x`),
  "by-up": (name) => project.ikigai("up", name),
  "by-setup": (name) => project.ikigai("db", "setup", name),
  "by-trust": (name) => project.ikigai("trust", name),
};

test.each(Object.keys(asking))(
  "a branch's code behind it waits until the worktree is requested: %s",
  async (name) => {
    await project.git("main", "worktree", "add", "-q", project.worktree(name), name);
    const { problems } = await until(project, name, "problem");
    expect(problems.join()).toMatch(
      new RegExp(`database\\.migrate waits.*ikigai up ${name} or ikigai db setup ${name}`),
    );
    const { stdout } = await project.ikigai("wt", "list");
    const own = stdout.split("\n").find((line) => line.startsWith(`  ${name}: `));
    expect(own).toContain("database.migrate waits");
    // Neither a full reconcile nor a command about another worktree requests it.
    await project.ikigai("trust", "main", "--yes");
    await project.ikigai("start");
    expect((await show(project, name)).state).toBe("problem");
    expect(ran(name)).toBe(false);
    await asking[name]?.(name);
    await until(project, name, "ready");
    expect(ran(name)).toBe(true);
  },
);

test("they run automatically once the default worktree has the commit", async () => {
  await project.git("main", "switch", "--quiet", "--create", "merged");
  await project.git("main", "commit", "--quiet", "--allow-empty", "--message", "merged");
  await project.git("main", "switch", "--quiet", "main");
  await project.git("main", "worktree", "add", "-q", project.worktree("merged"), "merged");
  await until(project, "merged", "problem");
  await project.git("main", "merge", "--quiet", "merged");
  await waitFor(() => ran("merged"), { deadline: 60_000, what: "the migration" });
});
