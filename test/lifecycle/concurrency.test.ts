import { afterAll, beforeAll, describe, expect, it } from "vitest";
import type { Outcome, TestProject } from "../support/project.ts";
import { converged, sql, startProject } from "./support.ts";

let project: TestProject;

beforeAll(async () => {
  project = await startProject();
});
afterAll(async () => {
  expect(await project.dispose()).toEqual([]);
});

/** What plain git itself sometimes says about parallel adds. */
const GITS_OWN = /commondir|Invalid path|unable to create|could not lock|File exists|index\.lock/i;

async function add(name: string): Promise<Outcome> {
  return await untilGitDoes(["worktree", "add", "--quiet", "-b", name, name], async () => {
    await project.run("git", ["worktree", "remove", "--force", name]);
    await project.run("git", ["worktree", "prune"]);
    await project.run("git", ["branch", "-D", name]);
  });
}

const remove = (name: string) => untilGitDoes(["worktree", "remove", "--force", name]);

/** Repeats what failed for git's own reasons; returns any other failure. */
async function untilGitDoes(
  args: readonly string[],
  again: () => Promise<void> = async () => {},
): Promise<Outcome> {
  for (;;) {
    const outcome = await project.run("git", args);
    if (outcome.exitCode === 0 || !GITS_OWN.test(outcome.stderr)) return outcome;
    await again();
  }
}

describe("twenty worktrees at once", () => {
  it("each get exactly one set, mixed with removals and lists, and git fails no more often than alone", async () => {
    const names = Array.from({ length: 20 }, (_, i) => `wt-${i}`);
    for (const name of ["old-0", "old-1", "old-2"]) {
      await project.git(".", "worktree", "add", "--quiet", "-b", name, name);
    }
    const outcomes = await Promise.all([
      ...names.map(add),
      ...["old-0", "old-1", "old-2"].map(remove),
      ...Array.from({ length: 4 }, () => project.ikigai("wt", "list", "--json")),
    ]);
    expect(outcomes.filter(({ exitCode }) => exitCode !== 0)).toEqual([]);
    const { schemas, services } = await converged(project, 30_000);
    expect(schemas).toHaveLength(21);
    expect(services).toEqual(["main", ...names].map((name) => `${name}.backend`).sort());
    const identities = await sql<{ mark: string }>(
      project,
      "SELECT mark FROM ikigai_registry.schemas WHERE name LIKE 'wt\\_%'",
    );
    const marks = identities.map(({ mark }) => JSON.parse(mark.slice(7)).identity);
    expect(new Set(marks).size).toBe(21);
  });

  it("leave nothing when they are removed at once", async () => {
    const names = Array.from({ length: 20 }, (_, i) => `wt-${i}`);
    const outcomes = await Promise.all(names.map(remove));
    expect(outcomes.filter(({ exitCode }) => exitCode !== 0)).toEqual([]);
    const { schemas } = await converged(project, 30_000);
    expect(schemas).toEqual(["main"]);
  });
});
