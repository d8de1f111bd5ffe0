import { existsSync, readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { processesOf } from "../../scripts/processes.js";
import { layoutOf } from "../../src/model/layout.ts";
import type { TestProject } from "../support/project.ts";
import { must, read, startProject } from "../support/running.ts";
import { waitFor } from "../support/wait.ts";

let project: TestProject;

beforeAll(async () => {
  project = await startProject({ worktrees: ["rel-05"] });
}, 120_000);

afterAll(async () => {
  expect(await project?.dispose()).toEqual([]);
}, 60_000);

const KINDS = {
  nginx: /^nginx: master process/,
  Postgres: /^\S*\/postgres -D /,
  daemon: /^\S*node (?:--\S+ )*\S*dist\/daemon\.js /,
  supervisor: /^\S*runsvdir -P /,
  backend: /^\S*node server\.js/,
} as const;

/** Lists this project's processes: their command line, directory or environment names its path. */
async function running(kind: keyof typeof KINDS) {
  const found = await processesOf([project.root]);
  return found.filter(({ title }) => KINDS[kind].test(title.replace(/^\d+ /, "")));
}

async function only(kind: keyof typeof KINDS) {
  const found = await running(kind);
  expect(found.map(({ title }) => title)).toHaveLength(1);
  return found[0] as (typeof found)[number];
}

async function answers(): Promise<boolean> {
  const healthy = (await project.ikigai("status")).exitCode === 0;
  return healthy && (await project.http("/rel-05/api/hello")).status === 200;
}

describe("a killed process is restarted", () => {
  test.each(["nginx", "Postgres", "daemon"] as const)("%s", async (kind) => {
    const { pid } = await only(kind);
    process.kill(pid, "SIGKILL");
    await waitFor(async () => (await only(kind)).pid !== pid);
    await waitFor(answers, { deadline: 30_000 });
    expect(await read(project, "plan")).toEqual({ steps: [], problems: [] });
  });

  test("a backend", async () => {
    expect((await project.http("/main/api/hello")).status).toBe(200);
    const { pid } = (await project.http("/main/api/hello")).json<{ pid: number }>();
    expect((await running("backend")).map((one) => one.pid)).toContain(pid);
    process.kill(pid, "SIGKILL");
    await waitFor(async () => {
      const answer = await project.http("/main/api/hello");
      return answer.status === 200 && answer.json<{ pid: number }>().pid !== pid;
    });
  });

  test("the supervisor, by the next start, without duplicates", async () => {
    const { pid } = await only("supervisor");
    process.kill(pid, "SIGKILL");
    await waitFor(async () => !(await running("supervisor")).some((one) => one.pid === pid));
    await must(project, "start");
    await waitFor(answers, { deadline: 30_000 });
    for (const kind of ["supervisor", "nginx", "Postgres", "daemon"] as const) await only(kind);
  }, 90_000);
});

describe("start and stop", () => {
  test("start of a running project changes nothing", async () => {
    const before = await Promise.all((["nginx", "Postgres", "daemon"] as const).map(only));
    const { exitCode, stderr } = await project.ikigai("start");
    expect([exitCode, stderr]).toEqual([0, expect.stringMatching(/✔ worktrees/)]);
    const after = await Promise.all((["nginx", "Postgres", "daemon"] as const).map(only));
    expect(after).toEqual(before);
  });

  test("stop leaves no process and loses no data, start restores everything", async () => {
    const psql = join(layoutOf(project.root).bin, "psql");
    const query = (text: string) =>
      project.run(psql, ["-XAtc", text], { cwd: project.worktree("rel-05") });
    expect((await query("CREATE TABLE kept AS SELECT 'still here' AS text")).exitCode).toBe(0);
    expect((await project.ikigai("stop")).exitCode).toBe(0);
    expect(await processesOf([project.root])).toEqual([]);
    expect((await project.ikigai("stop")).exitCode).toBe(0);
    expect((await project.ikigai("status")).exitCode).toBe(1);
    await expect(project.http("/main/api/hello")).rejects.toThrow("ECONNREFUSED");
    const { stdout, exitCode } = await project.ikigai("wt", "list");
    expect([exitCode, stdout]).toEqual([0, expect.stringContaining("backend stopped")]);

    await must(project, "start");
    expect((await query("TABLE kept")).stdout).toBe("still here");
    expect((await project.http("/rel-05/api/hello")).status).toBe(200);
  }, 60_000);

  test("start reconciles worktrees that were added and removed while all was stopped", async () => {
    await must(project, "stop");
    await project.git(".", "worktree", "add", "--quiet", "-b", "meanwhile", "meanwhile");
    await project.git(".", "worktree", "remove", "rel-05");
    await must(project, "start");
    expect((await project.http("/meanwhile/api/hello")).status).toBe(200);
    expect((await project.http("/rel-05/api/hello")).status).toBe(404);
    const { retired } = await read<{ retired: { name: string }[] }>(
      project,
      ..."wt restore --list".split(" "),
    );
    expect(retired.map(({ name }) => name)).toEqual(["rel-05"]);
    await project.git(".", "worktree", "add", "--quiet", "rel-05");
  }, 90_000);

  test("restart applies a changed setting", async () => {
    const host = "dev.example.test";
    const ask = async () => (await project.http("/main/api/hello", { host })).status;
    expect(await ask()).toBe(403);
    const file = join(project.root, ".ikigairc.json");
    const config = JSON.parse(readFileSync(file, "utf8"));
    config.http.hosts = [host];
    writeFileSync(file, JSON.stringify(config));
    const { exitCode, stderr } = await project.ikigai("restart");
    expect([exitCode, stderr]).toEqual([0, expect.stringContaining("✔ services and daemon")]);
    expect(await ask()).toBe(200);
  }, 60_000);
});

describe("the manual controls, mixed with ikigai's", () => {
  const control = async (name: string, ...args: string[]) => {
    const outcome = await project.run(join(layoutOf(project.root).bin, name), args);
    expect(`${outcome.stdout}${outcome.stderr}`).not.toMatch(/error|fatal|in use/i);
    expect([name, args, outcome.exitCode]).toEqual([name, args, 0]);
  };

  test.each([
    [
      "the controls after ikigai start",
      [
        ["ikigai", "start"],
        ["runsvdir", "start"],
        ["pg_ctl", "start"],
        ["nginx", "start"],
      ],
    ],
    [
      "stopped by hand, started by ikigai",
      [
        ["ikigai", "start"],
        ["pg_ctl", "stop"],
        ["nginx", "stop"],
        ["ikigai", "start"],
      ],
    ],
  ] as const)(
    "%s: one server of each",
    async (_, steps) => {
      await must(project, "stop");
      for (const [name, word] of steps) {
        if (name === "ikigai") await must(project, word);
        else await control(name, word);
      }
      await waitFor(answers, { deadline: 30_000 });
      for (const kind of ["nginx", "Postgres", "daemon", "supervisor"] as const) await only(kind);
    },
    90_000,
  );

  test("stopped by hand in any order, ikigai stop finds nothing left to do", async () => {
    await control("pg_ctl", "stop");
    await control("runsvdir", "stop");
    await control("nginx", "stop");
    expect(await processesOf([project.root], { patience: 5_000 })).toEqual([]);
    await must(project, "stop");
    await control("runsvdir", "stop");
    await must(project, "start");
  }, 60_000);
});

test("logs are in the documented places", () => {
  const { logs } = layoutOf(project.root);
  for (const name of ["nginx.log", "postgres.log", "daemon/current", "backend/current"]) {
    expect([name, existsSync(join(logs, name))]).toEqual([name, true]);
  }
  expect(readFileSync(join(logs, "backend/current"), "utf8")).toContain("tiny listens on");
});
