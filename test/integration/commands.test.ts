import { join } from "node:path";
import { execa } from "execa";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import type { WorktreeReport } from "../../src/model/reports.ts";
import { makeProject, type Outcome, type TestProject } from "../support/project.ts";
import { must, read, reportOf, startProject } from "../support/running.ts";
import { waitFor } from "../support/wait.ts";

const cli = join(process.cwd(), "dist/cli.cjs");
let project: TestProject;

beforeAll(async () => {
  project = await startProject({ app: "notes", worktrees: ["rel-05"] });
  await must(project, "up", "rel-05");
}, 180_000);

afterAll(async () => {
  expect(await project?.dispose()).toEqual([]);
}, 60_000);

function inside(
  cwd: string,
  args: readonly string[],
  env: NodeJS.ProcessEnv = {},
): Promise<Outcome> {
  return project.run(process.execPath, [cli, ...args], { cwd, env });
}

const keysOf = (value: object | undefined) => Object.keys(value ?? {}).sort();

describe("output for people", () => {
  test("wt list has a line for each worktree, the default one first and marked", async () => {
    const lines = (await must(project, "wt", "list")).trimEnd().split("\n");
    expect(lines[0]).toMatch(/^ {2}WORKTREE +BRANCH +ADDRESS +SCHEMA +SERVICES +MEMORY +USED$/);
    const { httpPort } = project;
    expect(lines[1]).toContain(`main *    main    http://localhost:${httpPort}/main    wt_main `);
    expect(lines[1]).toMatch(/backend running {2}admin running +\d+ MB/);
    expect(lines[2]).toContain("  rel-05    rel-05  ");
    expect(lines).toHaveLength(3);
  });

  test("wt show describes one worktree, by default that of the directory", async () => {
    const named = await must(project, "wt", "show", "rel-05");
    const here = await inside(project.worktree("rel-05"), ["wt", "show"]);
    expect(here.stdout.replaceAll(/\d+ (MB|s ago)/g, "")).toBe(
      named.trimEnd().replaceAll(/\d+ (MB|s ago)/g, ""),
    );
    for (const line of [
      /^ {2}worktree +rel-05$/m,
      /^ {2}branch +rel-05$/m,
      /^ {2}path +\/.*\/rel-05$/m,
      /^ {2}schema +wt_rel_05$/m,
      /^ {2}address +http:\/\/localhost:\d+\/rel-05$/m,
      /^ {12}http:\/\/rel-05\.localhost:\d+$/m,
      /^ {2}backend running +on-demand +http:/m,
    ]) {
      expect(named).toMatch(line);
    }
  });

  test("status reports each part", async () => {
    const text = await must(project, "status");
    expect(text).toMatch(/supervisor +running +runsvdir: running \(pid \d+\)/);
    expect(text).toMatch(/nginx +running .*under runsvdir/);
    expect(text).toMatch(/Postgres +running .*under runsvdir/);
    expect(text).toMatch(/daemon +running/);
  });

  test("plan is empty where nothing is to be done", async () => {
    expect(await must(project, "plan")).toBe("  nothing to do\n".trimEnd());
  });

  test("env can be read by a shell", async () => {
    const script = `eval "$(${process.execPath} ${cli} env rel-05)" && echo "$PGUSER $IKIGAI_WORKTREE" && command -v psql && psql -XAtc 'SELECT current_user'`;
    const { stdout, stderr } = await project.run("sh", ["-c", script]);
    expect(stderr).toBe("");
    expect(stdout.split("\n")).toEqual([
      "wt_rel_05 rel-05",
      join(project.root, ".ikigai/bin/psql"),
      "wt_rel_05",
    ]);
  });

  test("logs prints those of a service, a worktree, a part, or all", async () => {
    expect(await must(project, "logs", "rel-05/backend")).toContain("migrations applied");
    expect(await must(project, "logs", "rel-05")).toContain("migrations applied");
    expect(await must(project, "logs", "postgres", "-n", "500")).toContain(
      "database system is ready",
    );
    const all = await must(project, "logs", "-n", "2");
    for (const name of ["main.backend/current", "postgres.log", "daemon/current"]) {
      expect(all).toContain(name);
    }
  });

  test.each([
    ["wt list --watch", "watched", ["wt", "list", "--watch"], /watched +http/],
    ["logs -f", "followed", ["logs", "-f", "daemon"], /create schema followed/],
  ])("%s goes on, and tells what happens meanwhile", async (_, name, args, news) => {
    const child = execa(process.execPath, [cli, ...args], {
      cwd: project.root,
      env: project.env,
      extendEnv: false,
      reject: false,
    });
    let text = "";
    child.stdout.on("data", (part) => {
      text += String(part);
    });
    try {
      await waitFor(() => text.length > 0);
      expect(text).not.toMatch(news);
      await project.git(".", "worktree", "add", "--quiet", "-b", name, name);
      await waitFor(() => news.test(text) || Promise.reject(new Error(text)));
    } finally {
      child.kill("SIGINT");
      await child;
    }
    await project.git(".", "worktree", "remove", name);
    await waitFor(async () => (await reportOf(project, name)) === undefined);
  });

  test("doctor finds no problem, and lists what it checked", async () => {
    const text = await must(project, "doctor");
    for (const what of ["nginx", "postgres", "git", "hook in main", "daemon"]) {
      expect(text).toMatch(new RegExp(`^ {2}✔ ${what}: `, "m"));
    }
    expect(text).not.toContain("✖");
  });

  test("colours are used on a terminal, or when forced, and never with NO_COLOR", async () => {
    const coloured = "\u001b[";
    for (const args of [["status"], ["wt", "list"], ["wt", "show", "main"]]) {
      const of = async (env: NodeJS.ProcessEnv) =>
        (await inside(".", args, { NO_COLOR: "", FORCE_COLOR: "", CI: "", ...env })).stdout;
      expect(await of({})).not.toContain(coloured);
      expect(await of({ FORCE_COLOR: "1" })).toContain(coloured);
      expect(await of({ NO_COLOR: "1", FORCE_COLOR: "1" })).not.toContain(coloured);
    }
  });

  test("each command prints its usage, and ikigai the list of commands", async () => {
    const help = await must(project, "--help");
    for (const command of ["init", "start", "stop", "status", "doctor", "uninstall", "wt", "db"]) {
      expect(help).toMatch(new RegExp(`^ {2}${command}\\b`, "m"));
    }
    expect(await must(project, "wt", "list", "--help")).toContain("--json");
    expect(await must(project, "--version")).toMatch(/^\d+\.\d+\.\d+$/);
  });
});

/** Users rely on these keys: change docs/json.md with them. */
describe("output as JSON", () => {
  const worktreeKeys = [
    ..."branch default locked main name path problems schema services slug state url warnings".split(
      " ",
    ),
  ];

  test("wt list, wt show and status", async () => {
    const list = await read<{ running: boolean; worktrees: WorktreeReport[] }>(
      project,
      "wt",
      "list",
    );
    expect(keysOf(list)).toEqual(["problems", "running", "worktrees"]);
    expect(list.worktrees.map(({ slug }) => slug)).toEqual(["main", "rel-05"]);
    for (const worktree of list.worktrees) expect(keysOf(worktree)).toEqual(worktreeKeys);
    const [service] = list.worktrees[0]?.services ?? [];
    expect(service).toMatchObject({ name: "backend", slug: "backend", state: "running" });
    expect(keysOf(service)).toEqual(
      ["lastUse", "memory", "name", "pid", "slug", "start", "state", "url"].filter(
        (key) => key !== "lastUse" || service?.lastUse,
      ),
    );
    const shown = await read<WorktreeReport>(project, "wt", "show", "rel-05");
    expect(keysOf(shown)).toEqual(worktreeKeys);
    const status = await read<{ parts: { name: string }[] }>(project, "status");
    expect(keysOf(status)).toEqual(["healthy", "parts", "problems", "worktrees"]);
    expect(status.parts.map(({ name }) => name)).toEqual([
      "supervisor",
      "nginx",
      "Postgres",
      "daemon",
    ]);
    expect(keysOf(status.parts[0])).toEqual(["answers", "detail", "name", "running"]);
  });

  test("plan, env, doctor, trust and up", async () => {
    expect(await read(project, "plan")).toEqual({ steps: [], problems: [] });
    expect(keysOf(await read(project, "env", "rel-05"))).toEqual([
      ..."DATABASE_URL IKIGAI_URL IKIGAI_WORKTREE PGDATABASE PGHOST".split(" "),
      ..."PGPASSFILE PGPORT PGSSLMODE PGUSER SVDIR".split(" "),
    ]);
    const doctor = await read<{ findings: object[] }>(project, "doctor");
    expect(keysOf(doctor)).toEqual(["findings", "healthy"]);
    expect(keysOf(doctor.findings[0])).toEqual(["detail", "state", "what"]);
    expect(await read(project, "trust")).toEqual({ worktree: "main", waiting: [] });
    const up = await read<{ results: object[] }>(project, "up", "main");
    expect(keysOf(up)).toEqual(["results", "worktree"]);
    expect(up.results[0]).toEqual({ service: "main/backend", result: { awake: true } });
  });

  test("db list, wt restore --list and wt prune", async () => {
    const db = await read<{ schemas: object[] }>(project, "db", "list");
    expect(keysOf(db.schemas[0])).toEqual(["bytes", "schema", "state", "tables", "worktree"]);
    const { retired } = await read<{ retired: object[] }>(project, "wt", "restore", "--list");
    expect(keysOf(retired[0])).toEqual("goes held name path schema since size soon".split(" "));
    expect(await read(project, "wt", "prune")).toEqual({ removed: false, worktrees: [] });
  });

  test("wt list --json is the same with everything stopped, except for what runs", async () => {
    await using other = await makeProject({ worktrees: ["rel-05"] });
    await must(other, "init");
    const list = await read<{ running: boolean; worktrees: WorktreeReport[] }>(other, "wt", "list");
    expect(list.running).toBe(false);
    for (const worktree of list.worktrees) expect(keysOf(worktree)).toEqual(worktreeKeys);
    expect(list.worktrees[0]?.services[0]?.state).toBe("stopped");
  });
});

const nothingHere = "There is no worktree nope.";

test.each([
  [2, ["foo"], "unknown command 'foo'", "ikigai --help"],
  [2, ["wt", "foo"], "unknown command 'foo'", "ikigai --help"],
  [2, ["status", "--foo"], "unknown option '--foo'", "ikigai --help"],
  [2, ["wt", "remove"], "missing required argument 'name'", "ikigai --help"],
  [2, ["stop", "now"], "too many arguments for 'stop'", "ikigai --help"],
  [2, ["logs", "-n", "many"], "--lines must be a number, not many.", "ikigai logs -n 100"],
  [
    2,
    ["completion", "tcsh"],
    'No completion for "tcsh". Use bash, zsh, fish.',
    "ikigai completion bash",
  ],
  [2, ["wt", "prune", "--min-age", "old"], "--min-age must be a duration", "ikigai wt prune"],
  [2, ["wt", "restore"], "Name the worktree whose data to restore.", "ikigai wt restore --list"],
  [1, ["wt", "show", "nope"], nothingHere, "ikigai wt list"],
  [1, ["env", "nope"], nothingHere, "ikigai wt list"],
  [1, ["env", "../../../etc"], "There is no worktree ../../../etc.", "ikigai wt list"],
  [1, ["trust", "nope"], nothingHere, "ikigai wt list"],
  [1, ["up", "nope"], nothingHere, "ikigai wt list"],
  [1, ["down", "main/nope"], "There is no service nope in main; it has ", "ikigai wt show main"],
  [1, ["lease", "nope", "true"], nothingHere, "ikigai wt list"],
  [1, ["lease", "main", "nope-not-there"], "nope-not-there was not found.", "command -v"],
  [1, ["logs", "nope"], nothingHere, "ikigai wt list"],
  [1, ["db", "list", "nope"], nothingHere, "ikigai wt list"],
  [
    1,
    ["wt", "restore", "--list", "nope"],
    "There is no retained data of nope",
    "ikigai wt restore --list",
  ],
  [1, ["wt", "wait", "nope"], nothingHere, "ikigai wt list"],
  [1, ["wt", "remove", "nope"], nothingHere, "ikigai wt list"],
  [1, ["wt", "restore", "nope"], "There is no retained data of nope.", "ikigai wt restore --list"],
  [1, ["db", "branch", "nope"], "This directory is not in a worktree.", "name a worktree"],
  [1, ["db", "reset", "main", "--db", "half"], 'Unknown mode "half"', undefined],
  [1, ["db", "diff", "nope", "main"], nothingHere, "ikigai wt list"],
] as const)(
  "exit code %i for `ikigai %s`, with what, why and next",
  async (code, args, what, next) => {
    const { exitCode, stdout, stderr } = await project.ikigai(...args);
    expect([exitCode, stdout]).toEqual([code, ""]);
    expect(stderr).toContain(`ikigai: ${what}`);
    if (next) expect(stderr).toContain(`\n  next: ${next}`);
    expect(stderr).not.toMatch(/\n {4}at |node:internal/);
  },
);

test("outside of a project every command says what to do", async () => {
  for (const args of [["status"], ["start"], ["wt", "list"], ["plan"], ["stop"], ["doctor"]]) {
    const { exitCode, stderr } = await inside(project.home, args);
    expect([args, exitCode]).toEqual([args, 1]);
    expect(stderr).toMatch(/^ikigai: .*\n {2}next: /);
  }
});

test("a command in a worktree outside of the project finds the project", async () => {
  const away = join(project.home, "away");
  await project.git(".", "worktree", "add", "--quiet", "-b", "away", away);
  const { stdout, exitCode } = await inside(away, ["wt", "show", "--json"]);
  expect([exitCode, JSON.parse(stdout).slug]).toEqual([0, "away"]);
  expect((await inside(away, ["status"])).exitCode).toBe(0);
  await project.git(".", "worktree", "remove", away);
});
