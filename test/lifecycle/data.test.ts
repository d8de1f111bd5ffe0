import { afterAll, beforeAll, describe, expect, it } from "vitest";
import type { RetiredReport } from "../../src/model/reports.ts";
import type { TestProject } from "../support/project.ts";
import { waitFor } from "../support/wait.ts";
import {
  advanceRetentionClock,
  converged,
  readNote,
  sql,
  startProject,
  writeNote,
} from "./support.ts";

let project: TestProject;

beforeAll(async () => {
  project = await startProject({ worktrees: ["red", "blue"] });
  await writeNote(project, "wt_red", "red");
  await writeNote(project, "wt_blue", "blue");
});
afterAll(async () => {
  expect(await project.dispose()).toEqual([]);
});

async function retired(): Promise<RetiredReport[]> {
  const { stdout } = await project.ikigai("wt", "restore", "--list", "--json");
  return JSON.parse(stdout).retired;
}

describe("data of a removed worktree", () => {
  it("is put aside, listed with time, size and path, and closed to its old role", async () => {
    await project.git(".", "worktree", "remove", "red");
    await converged(project);
    const [red, ...others] = await retired();
    expect(others).toEqual([]);
    expect(red).toMatchObject({ name: "red", path: project.worktree("red"), soon: false });
    expect(red?.size).toBeGreaterThan(0);
    // Told by two clocks: of the database, and of the one that no jump of it moves.
    const kept = Date.parse(red?.goes ?? "") - Date.parse(red?.since ?? "");
    expect(Math.round(kept / 60_000)).toBe(14 * 1_440);
    const roles = await sql<{ login: boolean }>(
      project,
      `SELECT rolcanlogin AS login FROM pg_roles WHERE rolname = '${red?.schema}'`,
    );
    expect(roles).toEqual([{ login: false }]);
  });

  it("cannot be restored where there is no worktree, and says what to type", async () => {
    const { exitCode, stderr } = await project.ikigai("wt", "restore", "red");
    expect(exitCode).toBe(1);
    expect(stderr).toContain("There is no worktree red");
    expect(stderr).toContain("git worktree add red");
  });

  it("comes back into a worktree of the name, with a role that can use it", async () => {
    await project.git(".", "worktree", "add", "--quiet", "red", "red");
    await converged(project);
    expect(await readNote(project, "wt_red")).toBeUndefined();
    expect((await project.ikigai("wt", "restore", "red")).exitCode).toBe(0);
    expect(await readNote(project, "wt_red")).toBe("red");
    const { stdout } = await project.run(".ikigai/bin/psql", ["-Atc", "SELECT text FROM note"], {
      cwd: ".",
      env: {},
    });
    expect(stdout).toBe("");
    const inside = await project.run("../.ikigai/bin/psql", ["-Atc", "SELECT text FROM note"], {
      cwd: "red",
    });
    expect(inside).toMatchObject({ exitCode: 0, stdout: "red" });
    expect(await retired()).toEqual([]);
  });

  it("comes back into another worktree, whose own data is put aside first", async () => {
    await project.git(".", "worktree", "remove", "--force", "blue");
    await converged(project);
    const { exitCode } = await project.ikigai("wt", "restore", "blue", "--into", "red");
    expect(exitCode).toBe(0);
    expect(await readNote(project, "wt_red")).toBe("blue");
    const [aside] = await retired();
    expect(aside?.name).toBe("red");
    await project.ikigai("wt", "restore", aside?.schema ?? "", "--into", "red");
    expect(await readNote(project, "wt_red")).toBe("red");
    await converged(project);
  });

  it("is told to be none where there is none", async () => {
    const { exitCode, stderr } = await project.ikigai("wt", "restore", "nobody", "--into", "red");
    expect(exitCode).toBe(1);
    expect(stderr).toContain("ikigai wt restore --list");
  });

  it("is retired with everything that uses it still connected", async () => {
    const { stdout } = await project.ikigai("env", "red", "--json");
    const { DATABASE_URL } = JSON.parse(stdout);
    const { Client } = (await import("pg")).default;
    const client = new Client({ connectionString: DATABASE_URL });
    client.on("error", () => {});
    await client.connect();
    await client.query("BEGIN; SELECT * FROM note");
    await project.git(".", "worktree", "remove", "--force", "red");
    await converged(project);
    await expect(client.query("SELECT 1")).rejects.toThrow();
    await client.end().catch(() => {});
  });
});

describe("data that was put aside goes by the clock", () => {
  it("after its age, together with its role, and not before", async () => {
    const before = await retired();
    expect(before.length).toBeGreaterThan(0);
    await advanceRetentionClock(project, 13.9 * 86_400_000);
    const list = await project.ikigai("wt", "list");
    expect(list.stderr).toContain(`data of ${before[0]?.name} expires on`);
    expect(await retired()).toHaveLength(before.length);
    await advanceRetentionClock(project, 86_400_000);
    await project.ikigai("restart");
    await waitFor(async () => (await retired()).length === 0);
    const left = await sql(
      project,
      "SELECT rolname FROM pg_roles WHERE rolname ~ '^(retired|dropped)_' UNION ALL SELECT nspname FROM pg_namespace WHERE nspname ~ '^(retired|dropped)_'",
    );
    expect(left).toEqual([]);
  });

  it("not when something outside depends on it", async () => {
    await project.git(".", "worktree", "add", "--quiet", "blue", "blue");
    await converged(project);
    await writeNote(project, "wt_blue", "held");
    await sql(project, "CREATE VIEW public.reader AS SELECT text FROM wt_blue.note");
    await project.git(".", "worktree", "remove", "blue");
    await converged(project);
    await advanceRetentionClock(project, 15 * 86_400_000);
    await project.ikigai("restart");
    const log = `${project.root}/.ikigai/logs/daemon/current`;
    const { readFile } = await import("node:fs/promises");
    await waitFor(
      async () =>
        (await readFile(log, "utf8")).includes("view reader") ||
        (await readFile(log, "utf8")).match(/drop schema retired_blue_\w+ failed/),
    );
    expect((await retired()).map(({ name }) => name)).toEqual(["blue"]);
    expect(await sql(project, "SELECT text FROM public.reader")).toEqual([{ text: "held" }]);
    await sql(project, "DROP VIEW public.reader");
    await project.ikigai("restart");
    await waitFor(async () => (await retired()).length === 0);
  });
});
