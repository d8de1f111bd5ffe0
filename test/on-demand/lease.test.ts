import { spawn } from "node:child_process";
import { once } from "node:events";
import { existsSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { afterAll, beforeAll, expect, test } from "vitest";
import { daemonPid } from "../support/daemon.ts";
import type { TestProject } from "../support/project.ts";
import { waitFor } from "../support/wait.ts";
import { ask, service, startProbes, tell, waitForState } from "./support.ts";

const cli = new URL("../../dist/cli.cjs", import.meta.url).pathname;
let project: TestProject;

beforeAll(async () => {
  project = await startProbes(
    { services: { backend: { idle: "300ms" } } },
    { worktrees: ["rel-05", "rel-06"] },
  );
});
afterAll(() => project?.dispose());

/** Starts `ikigai lease rel-05 -- …` that lasts until a file exists. */
function leaseUntil(name: string) {
  const file = join(project.home, name);
  const script = `while ! [ -e '${file}' ]; do sleep 0.1; done; exit 7`;
  const child = spawn(process.execPath, [cli, "lease", "rel-05", "--", "sh", "-c", script], {
    cwd: project.root,
    env: project.env,
    stdio: "ignore",
  });
  return { child, end: () => writeFileSync(file, "") };
}

/** Uses other worktrees meanwhile, so that an idle service would have been stopped. */
async function untilAnotherIsIdle(): Promise<void> {
  await ask(project, "rel-06");
  await waitForState(project, "rel-06", "idle");
  await ask(project, "rel-06");
  await waitForState(project, "rel-06", "idle");
}

test("services stay up while the command runs, and its exit code is passed on", async () => {
  const { child, end } = leaseUntil("first");
  await waitForState(project, "rel-05", "running");
  await untilAnotherIsIdle();
  expect((await service(project, "rel-05")).state).toBe("running");
  end();
  const [code] = await once(child, "exit");
  expect(code).toBe(7);
  await waitForState(project, "rel-05", "idle");
});

test("a lease ends however its holder dies", async () => {
  const { child, end } = leaseUntil("second");
  await waitForState(project, "rel-05", "running");
  child.kill("SIGKILL");
  await waitForState(project, "rel-05", "idle");
  end();
});

test("a lease survives a restart of the daemon", async () => {
  const { child, end } = leaseUntil("third");
  await waitForState(project, "rel-05", "running");
  const { pid } = await ask(project, "rel-05");
  const daemon = await daemonPid(project);
  process.kill(daemon, "SIGKILL");
  await waitFor(async () => (await daemonPid(project)) !== daemon, { deadline: 20_000 });
  await untilAnotherIsIdle();
  expect((await ask(project, "rel-05")).pid).toBe(pid);
  end();
  await once(child, "exit");
});

test("the command has the environment, directory and input of the caller", async () => {
  const script = 'cat; pwd; echo "$MARK $(printenv IKIGAI_WORKTREE || echo none)"';
  const { stdout, exitCode } = await project.run(
    process.execPath,
    [cli, "lease", "rel-05/backend", "--", "sh", "-c", script],
    { cwd: "main", env: { MARK: "mine" }, input: "typed\n" },
  );
  expect(exitCode).toBe(0);
  expect(stdout).toBe(`typed\n${project.worktree("main")}\nmine none`);
});

test("errors are reported, and nothing is run then", async () => {
  const ran = join(project.home, "ran");
  const touch = ["--", "touch", ran];
  const unknown = await project.ikigai("lease", "rel-99", ...touch);
  expect([unknown.exitCode, unknown.stderr]).toEqual([
    1,
    expect.stringContaining("There is no worktree rel-99"),
  ]);
  tell(project, "rel-06", { broken: "no table" });
  const broken = await project.ikigai("lease", "rel-06", ...touch);
  expect([broken.exitCode, broken.stderr]).toEqual([
    1,
    expect.stringContaining("rel-06/backend did not start: it ended with exit code 1"),
  ]);
  expect(existsSync(ran)).toBe(false);
  expect((await project.ikigai("lease", "rel-05")).exitCode).toBe(2);
  const absent = await project.ikigai("lease", "rel-05", "--", "no-such-program");
  expect([absent.exitCode, absent.stderr]).toEqual([
    1,
    expect.stringContaining("no-such-program was not found"),
  ]);
});
