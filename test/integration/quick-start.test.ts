import { join } from "node:path";
import { expect, test } from "vitest";
import { processesOf } from "../../scripts/processes.js";
import { InteractiveShell } from "../direnv/shell.ts";
import { makeProject } from "../support/project.ts";
import { waitFor } from "../support/wait.ts";

/** The commands of README.md's "Quick start", typed in an interactive shell. */
const started = ["direnv allow", "nginx start", "pg_ctl start", "runsvdir start"];
const stopped = ["runsvdir stop", "nginx stop", "pg_ctl stop"];

test.each(["bare", "clone"] as const)(
  "the quick start works as written in a %s project",
  async (layout) => {
    await using project = await makeProject({ layout, worktrees: ["rel-05"] });
    expect((await project.ikigai("init")).exitCode).toBe(0);
    const environment = Object.fromEntries(
      Object.entries({ ...project.env, LANG: "C.UTF-8", TERM: "xterm" }).flatMap(([key, value]) =>
        value === undefined ? [] : [[key, value]],
      ),
    );
    const shell = new InteractiveShell("bash", project.home, environment);
    /** Types a line, waits for the next prompt and returns what has appeared. */
    const type = async (line: string): Promise<string> => {
      await shell.type(`clear; ${line}`);
      return shell.screen();
    };
    const address = `http://localhost:${project.httpPort}`;
    try {
      await type(`cd ${project.root}`);
      for (const line of started) expect(await type(line)).not.toMatch(/error|not found|fail/i);
      // A second call is no error, and starts no second server.
      for (const line of started) expect(await type(line)).not.toMatch(/error|not found|fail/i);
      await waitFor(async () => (await project.http("/api/hello")).status === 200);
      expect(await type(`curl ${address}/frontend/`)).toContain("Hello from main");
      expect(await type(`curl ${address}/api/hello`)).toContain('"greeting":"Hello from main"');
      expect(await type("sv status .ikigai/sv/backend")).toMatch(/run: \S*backend: \(pid \d+\)/);
      expect(await type("ikigai status")).toMatch(/daemon +running/);
      expect(await type("tail -n 1 .ikigai/logs/backend/current")).toContain("tiny listens");

      await type(`cd ${project.worktree("rel-05")}`);
      expect(await type("psql -XAtc 'SELECT current_user'")).toContain("wt_rel_05");
      expect(await type("git worktree add -q ../rel-06 -b rel-06 && cd ../rel-06")).not.toMatch(
        /blocked|error|fatal/,
      );
      await type("true");
      expect(await type("psql -XAtc 'SELECT current_user'; echo $IKIGAI_WORKTREE")).toMatch(
        /wt_rel_06\s+rel-06/,
      );
      expect(await type("curl $IKIGAI_URL/api/hello")).toContain('"worktree":"rel-06"');
      await type(`cd ${project.root}`);

      for (const line of [...stopped, ...stopped]) {
        expect(await type(line)).not.toMatch(/error|not found|fail/i);
      }
      expect(await processesOf([join(project.root, ".ikigai")], { patience: 5_000 })).toEqual(
        // The shell itself has ikigai's directory on its PATH.
        (await processesOf([join(project.root, ".ikigai")])).filter(({ title }) =>
          /^\d+ (bash|tmux)/.test(title),
        ),
      );
    } finally {
      await shell.end();
    }
  },
  90_000,
);
