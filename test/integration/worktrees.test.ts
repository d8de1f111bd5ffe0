import { existsSync, readFileSync, rmSync } from "node:fs";
import { join } from "node:path";
import { afterAll, beforeAll, expect, test } from "vitest";
import { processesOf } from "../../scripts/processes.js";
import { layoutOf } from "../../src/model/layout.ts";
import type { TestProject } from "../support/project.ts";
import { read, reportOf, startProject, untilServices } from "../support/running.ts";
import { waitFor } from "../support/wait.ts";

interface Hello {
  readonly greeting: string;
  readonly worktree: string;
  readonly database: string;
}

let project: TestProject;
let bin: string;

beforeAll(async () => {
  project = await startProject({ branches: ["rel-05", "rel-06", "rel-07", "feature/one"] });
  bin = layoutOf(project.root).bin;
}, 120_000);

afterAll(async () => {
  expect(await project?.dispose()).toEqual([]);
}, 60_000);

/** Runs psql of `.ikigai/bin` in a directory with a plain environment. */
async function psql(cwd: string, statement: string): Promise<string> {
  const outcome = await project.run(join(bin, "psql"), ["-X", "-A", "-t", "-c", statement], {
    cwd,
  });
  expect(outcome.stderr).toBe("");
  return outcome.stdout;
}

async function schemas(): Promise<string[]> {
  const found = await psql(".", "SELECT nspname FROM pg_namespace WHERE nspname LIKE '%rel_0%'");
  return found.split("\n").filter(Boolean).sort();
}

test("git worktree add returns when schema, address and environment are ready", async () => {
  const top = project.worktree("rel-05");
  const { exitCode, stdout, stderr } = await project.run("git", [
    ..."worktree add --quiet".split(" "),
    top,
    "rel-05",
  ]);
  expect({ exitCode, stdout, stderr }).toEqual({ exitCode: 0, stdout: "", stderr: "" });

  // No waiting from here on.
  const environment = readFileSync(join(layoutOf(project.root).environments, "rel-05.sh"), "utf8");
  expect(environment).toContain("export PGUSER='wt_rel_05'");
  const known = await psql(top, "SELECT current_user, current_schema, current_schemas(false)");
  expect(known).toMatch(/^wt_rel_05\|wt_rel_05\|\{wt_rel_05/);
  const page = await project.http("/rel-05/frontend/");
  expect([page.status, page.text]).toEqual([200, expect.stringContaining("Hello from rel-05")]);
  const hello = (await project.http("/rel-05/api/hello")).json<Hello>();
  expect(hello).toMatchObject({ greeting: "Hello from rel-05", worktree: "rel-05" });
  const variables = await read<Record<string, string>>(project, "env", "rel-05");
  expect(hello.database).toBe(variables.DATABASE_URL);
  expect(await project.git(top, "status", "--porcelain")).toBe("");
});

test("its tables are visible in it alone, and missing in every other", async () => {
  const [here, there] = [project.worktree("rel-05"), project.worktree("main")];
  await psql(here, "CREATE TABLE only_here (); INSERT INTO only_here DEFAULT VALUES");
  expect(await psql(here, "SELECT count(*) FROM only_here")).toBe("1");
  const outcome = await project.run(join(bin, "psql"), ["-X", "-c", "TABLE only_here"], {
    cwd: there,
  });
  expect(outcome.stderr).toContain('relation "only_here" does not exist');
  expect(await psql(".", "SELECT current_user || '/' || count(*) FROM wt_rel_05.only_here")).toBe(
    "ikigai/1",
  );
});

test("git worktree remove retires all of it, and its data is kept", async () => {
  const top = project.worktree("rel-05");
  expect((await processesOf([top])).length).toBeGreaterThan(0);
  await project.git(".", "worktree", "remove", "rel-05");
  await waitFor(async () => (await project.http("/rel-05/api/hello")).status === 404);
  expect((await project.http("/rel-05/api/hello")).json()).toMatchObject({
    why: expect.stringMatching(/^There is no worktree rel-05\b/),
    next: "ikigai wt list",
  });
  await waitFor(async () => (await reportOf(project, "rel-05")) === undefined);
  await waitFor(async () => !(await schemas()).includes("wt_rel_05"));
  expect(await processesOf([top], { patience: 5_000 })).toEqual([]);
  const { logs, sv, environments, sockets, documents } = layoutOf(project.root);
  await waitFor(() => !existsSync(join(environments, "rel-05.sh")));
  for (const place of [sv, sockets, documents]) {
    expect(existsSync(join(place, "rel-05"))).toBe(false);
    expect(existsSync(join(place, "rel-05.backend"))).toBe(false);
  }
  expect(existsSync(logs)).toBe(true);
  const kept = await read<{ retired: { name: string; schema: string }[] }>(
    project,
    ..."wt restore --list".split(" "),
  );
  expect(kept.retired.map(({ name }) => name)).toEqual(["rel-05"]);
  const count = await psql(".", `SELECT count(*) FROM "${kept.retired[0]?.schema}".only_here`);
  expect(count).toBe("1");
});

test("a reused name starts from scratch, never with the old one's data", async () => {
  await project.git(".", "worktree", "add", "--quiet", "rel-05", "rel-05");
  const outcome = await project.run(join(bin, "psql"), ["-X", "-c", "TABLE only_here"], {
    cwd: project.worktree("rel-05"),
  });
  expect(outcome.stderr).toContain('relation "only_here" does not exist');
});

test.each([
  ["--no-checkout", ["--no-checkout", "rel-06", "rel-06"], "rel-06"],
  ["--orphan", ["--orphan", "bare-start"], "bare-start"],
])("what runs no hook, %s, is provisioned all the same", async (_, words, slug) => {
  const version = (await project.git(".", "version")).match(/(\d+)\.(\d+)/);
  const [major, minor] = [Number(version?.[1]), Number(version?.[2])];
  // `worktree add --orphan` came with git 2.42.
  if (words.includes("--orphan") && major === 2 && minor < 42) return;
  await project.git(".", "worktree", "add", "--quiet", ...words);
  await waitFor(async () => (await reportOf(project, slug))?.state === "ready");
  const schema = `wt_${slug.replaceAll("-", "_")}`;
  expect(await psql(project.worktree(slug), "SELECT current_schema")).toBe(schema);
});

test("rm -rf of the directory retires the worktree too", async () => {
  await project.git(".", "worktree", "add", "--quiet", "rel-07", "rel-07");
  expect((await project.http("/rel-07/api/hello")).status).toBe(200);
  rmSync(project.worktree("rel-07"), { recursive: true });
  await waitFor(async () => (await project.http("/rel-07/api/hello")).status === 404);
  await waitFor(async () => !(await schemas()).includes("wt_rel_07"));
  expect(await processesOf([project.worktree("rel-07")], { patience: 5_000 })).toEqual([]);
});

test("a branch's name may contain characters that an address cannot", async () => {
  await project.git(".", "worktree", "add", "--quiet", "Ünder way", "feature/one");
  const { worktrees } = await read<{ worktrees: { slug: string; branch: string }[] }>(
    project,
    "wt",
    "list",
  );
  const slug = worktrees.find(({ branch }) => branch === "feature/one")?.slug ?? "";
  expect(slug).toMatch(/^[a-z0-9-]{1,40}$/);
  const hello = (await project.http(`/${slug}/api/hello`)).json<Hello>();
  expect(hello.greeting).toBe("Hello from feature/one");
});

test("services follow a switch of the branch", async () => {
  const top = project.worktree("rel-05");
  await project.git(top, "switch", "--quiet", "--create", "with-admin");
  await project.git(top, "mv", "backend", "admin-backend");
  await project.run("mkdir", ["admin"], { cwd: top });
  await project.git(top, "mv", "admin-backend", "admin/backend");
  await project.git(top, "commit", "--quiet", "--message", "Move the backend");
  await project.git(top, "switch", "--quiet", "rel-05");
  await untilServices(project, "rel-05", ["backend idle"]);
  expect((await project.http("/rel-05/api/hello")).status).toBe(200);

  await project.git(top, "switch", "--quiet", "with-admin");
  await untilServices(project, "rel-05", ["admin idle", "backend static"]);
  const gone = await project.http("/rel-05/api/hello");
  expect([gone.status, gone.text]).toEqual([404, expect.stringContaining("has no backend")]);
  const admin = (await project.http("/rel-05/admin/api/hello")).json<Hello>();
  expect(admin).toMatchObject({ worktree: "rel-05", service: "admin" });

  await project.git(top, "switch", "--quiet", "rel-05");
  await untilServices(project, "rel-05", ["backend idle"]);
  expect((await project.http("/rel-05/admin/api/hello")).status).toBe(404);
  expect((await project.http("/rel-05/api/hello")).status).toBe(200);
});
