import { existsSync, readFileSync } from "node:fs";
import { writeFile } from "node:fs/promises";
import { join } from "node:path";
import { afterAll, beforeAll, expect, test } from "vitest";
import { daemonPid } from "../support/daemon.ts";
import type { TestProject } from "../support/project.ts";
import { waitFor } from "../support/wait.ts";
import { add, psql, show, startProject, until } from "./support.ts";

let project: TestProject;

/** Unique in each run, so that parallel runs do not see each other's. */
const endless = `sleep ${100_000_000 + process.pid}`;
const migrate = `#!/bin/sh
echo "migrating $IKIGAI_WORKTREE in $(pwd -P)"
psql -XAtqc "CREATE TABLE IF NOT EXISTS runs (what text, at timestamptz DEFAULT clock_timestamp()); INSERT INTO runs VALUES ('migrate')" || exit 3
if [ -e broken ]; then echo "this will not do" >&2; exit 7; fi
if [ -e endless ]; then exec ${endless}; fi
if [ -e held ]; then echo "waiting for $(cat held)"; until [ -e "$(cat held)" ]; do sleep 0.05; done; echo "went on"; fi
`;
const seed = `#!/bin/sh
psql -XAtqc "INSERT INTO runs VALUES ('seed')"
`;

beforeAll(async () => {
  project = await startProject({
    config: { database: { migrate: ["sh", "migrate.sh"], seed: ["sh", "seed.sh"] } },
    files: { "migrate.sh": migrate, "seed.sh": seed },
    branches: ["broken"],
  });
});
afterAll(() => project?.dispose());

const runs = (worktree: string) =>
  psql(project, worktree, "SELECT string_agg(what, ' ' ORDER BY at) FROM runs");

test("both run once where a schema began without rows", async () => {
  await until(project, "main", "ready");
  expect(await runs("main")).toBe("migrate seed");
  const log = await project.ikigai("logs", "main/setup");
  expect(log.stdout).toContain(`migrating main in ${project.worktree("main")}`);
  await project.ikigai("restart");
  await until(project, "main", "ready");
  expect(await runs("main")).toBe("migrate seed");
});

test("a branch's own command waits for approval, and runs as soon as it is approved", async () => {
  await add(project, "theirs");
  const own = {
    database: { migrate: ["sh", "-c", "psql -qc \"INSERT INTO runs VALUES ('own')\""] },
  };
  await writeFile(join(project.worktree("theirs"), ".ikigairc.json"), JSON.stringify(own));
  await project.git("theirs", "add", ".");
  await project.git("theirs", "commit", "--quiet", "--message", "own");
  await project.git("main", "worktree", "add", "--quiet", "-b", "held", "../held", "theirs");
  const { problems } = await until(project, "held", "problem");
  expect(problems.join()).toMatch(/database\.migrate has not been approved.*ikigai trust held/);
  expect(await runs("held")).toBe("migrate seed migrate");
  expect(await project.ikigai("trust", "held", "--yes")).toMatchObject({ exitCode: 0 });
  await until(project, "held", "ready");
  expect(await runs("held")).toBe("migrate seed migrate own");
});

test("rows that came with a branch are not seeded over; a structure is", async () => {
  await add(project, "rows");
  expect(await runs("rows")).toBe("migrate seed migrate");
  await project.ikigai("wt", "add", "bones", "--db", "structure");
  expect(await runs("bones")).toBe("migrate seed");
});

test("a removed, moved or restored worktree does not run them again", async () => {
  await project.git("main", "worktree", "move", "../rows", "../elsewhere");
  await project.ikigai("wt", "wait", "rows");
  await project.git("main", "worktree", "remove", "--force", "../elsewhere");
  await add(project, "rows", "../rows", "rows");
  await project.ikigai("wt", "restore", "rows");
  expect(await runs("rows")).toBe("migrate seed migrate");
});

test("a failure is reported with exit code and output, and retried by command only", async () => {
  await project.git("main", "worktree", "add", "--quiet", "../broken", "broken");
  // Its commit is not in main: nothing of it runs before it is requested.
  await until(project, "broken", "problem");
  expect(await runs("broken")).toBe("migrate seed");
  expect(await project.ikigai("db", "setup", "broken")).toMatchObject({ exitCode: 0 });
  await writeFile(join(project.worktree("broken"), "broken"), "");
  const failed = await project.ikigai("db", "setup", "broken");
  expect(failed.exitCode).toBe(1);
  expect(failed.stderr).toMatch(
    /database\.migrate ended with exit code 7[\s\S]*ikigai logs broken\/setup/,
  );
  const shown = (await show(project, "broken")).problems.join();
  expect(shown).toMatch(/exit code 7.*ikigai logs broken\/setup.*ikigai db setup broken/);
  expect((await project.ikigai("logs", "broken/setup")).stdout).toContain("this will not do");
  await project.ikigai("restart");
  await until(project, "broken", "ready");
  expect(await runs("broken")).toBe("migrate seed migrate migrate");
  await project.run("rm", ["broken/broken"]);
  expect(await project.ikigai("db", "setup", "broken")).toMatchObject({ exitCode: 0 });
  expect((await show(project, "broken")).problems).toEqual([]);
});

test("removing the worktree ends a command that would never end, and all that it started", async () => {
  await project.git("main", "switch", "--quiet", "--create", "waits");
  await writeFile(join(project.worktree("main"), "endless"), "");
  await project.git("main", "add", "endless");
  await project.git("main", "commit", "--quiet", "--message", "endless");
  await project.git("main", "switch", "--quiet", "main");
  await project.git("main", "worktree", "add", "--quiet", "../waits", "waits");
  await until(project, "waits", "problem");
  const asked = project.ikigai("db", "setup", "waits");
  const log = join(project.root, ".ikigai/logs/waits.setup/current");
  await waitFor(() => existsSync(log) && readFileSync(log, "utf8").includes("migrating waits"), {
    deadline: 30_000,
  });
  expect((await show(project, "waits")).problems.join()).toMatch(/database\.migrate is running/);
  const running = async () => (await project.run("pgrep", ["-f", `^${endless}$`])).stdout;
  await waitFor(async () => (await running()) !== "", { deadline: 30_000 });
  await project.git("main", "worktree", "remove", "--force", "../waits");
  await waitFor(async () => (await running()) === "", { deadline: 30_000 });
  await waitFor(async () => !(await project.ikigai("wt", "list")).stdout.includes("waits"), {
    deadline: 30_000,
  });
  await asked;
});

/** Kills the daemon; what supervises it does not start another before `revive`. */
async function killDaemon(): Promise<{ revive: () => void }> {
  const pid = await daemonPid(project);
  const { stdout } = await project.run("ps", ["-o", "ppid=", "-p", String(pid)]);
  const supervisor = Number(stdout.trim());
  process.kill(supervisor, "SIGSTOP");
  process.kill(pid, "SIGKILL");
  return { revive: () => void process.kill(supervisor, "SIGCONT") };
}

/** Adds a worktree whose migration waits for a file; returns its log and that file. */
async function addHeld(name: string) {
  const go = join(project.root, `${name}.go`);
  await project.git("main", "switch", "--quiet", "--create", name);
  await writeFile(join(project.worktree("main"), "held"), go);
  await project.git("main", "add", "held");
  await project.git("main", "commit", "--quiet", "--message", "held");
  await project.git("main", "switch", "--quiet", "main");
  await project.git("main", "worktree", "add", "--quiet", `../${name}`, name);
  await until(project, name, "problem");
  // It ends with the daemon that it waits for.
  void project.ikigai("db", "setup", name);
  const path = join(project.root, `.ikigai/logs/${name}.setup/current`);
  const log = () => (existsSync(path) ? readFileSync(path, "utf8") : "");
  await waitFor(() => log().includes("waiting for"), { deadline: 30_000, what: "the migration" });
  return { go, log };
}

const ONCE = "migrate seed migrate";

test("a command that outlives its killed daemon is waited for by the next one, and runs once", async () => {
  const { go, log } = await addHeld("outlives");
  const killed = await daemonPid(project);
  process.kill(killed, "SIGKILL");
  await waitFor(async () => (await daemonPid(project)) !== killed, {
    deadline: 30_000,
    what: "another daemon",
  });
  await waitFor(
    async () =>
      /database\.migrate is running/.test((await show(project, "outlives")).problems.join()),
    { deadline: 30_000, what: "it is told that it runs" },
  );
  await writeFile(go, "");
  await until(project, "outlives", "ready");
  expect((await show(project, "outlives")).problems).toEqual([]);
  expect(await runs("outlives")).toBe(ONCE);
  expect(log().match(/went on/g)).toHaveLength(1);
});

test("one that ended while no daemon ran is not run again, whatever its exit code", async () => {
  for (const name of ["ended-well", "ended-badly"]) {
    const { go, log } = await addHeld(name);
    const { revive } = await killDaemon();
    try {
      if (name === "ended-badly") {
        // The shell reads the rest of the script only after the loop.
        const { stdout } = await project.run("pgrep", ["-f", `once run .*/${name}\\..*`]);
        const [runner] = stdout.split("\n");
        const { stdout: children } = await project.run("pgrep", ["-P", runner ?? "0"]);
        process.kill(Number(children.split("\n", 1)[0]), "SIGKILL");
      } else {
        await writeFile(go, "");
        await waitFor(() => log().includes("went on"), { deadline: 30_000, what: "its end" });
      }
    } finally {
      revive();
    }
    await until(project, name, "ready");
    const { problems } = await show(project, name);
    if (name === "ended-well") expect(problems).toEqual([]);
    else expect(problems.join()).toMatch(/database\.migrate ended with exit code 137 \(SIGKILL\)/);
    expect(await runs(name)).toBe(ONCE);
  }
});

test("one whose worktree was removed while no daemon ran is ended by the next daemon", async () => {
  await addHeld("orphan");
  const { revive } = await killDaemon();
  try {
    await project.git("main", "worktree", "remove", "--force", "../orphan");
  } finally {
    revive();
  }
  const left = () => project.run("pgrep", ["-f", "once run .*/orphan\\..*"]);
  await waitFor(async () => (await left()).stdout === "", { deadline: 30_000, what: "its end" });
});
