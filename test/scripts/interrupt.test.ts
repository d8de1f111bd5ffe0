import { existsSync, mkdtempSync, readdirSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { execa } from "execa";
import { expect, test } from "vitest";
import { endMarked, processesOf } from "../../scripts/processes.js";
import { waitFor } from "../support/wait.ts";

/** The environment without variables of the test run that this test is part of. */
function environment(place: string): NodeJS.ProcessEnv {
  const kept = Object.entries(process.env).filter(
    ([name]) => !/^(?:VITEST|npm_|NODE_ENV$|TEST$|CI$)/.test(name),
  );
  return { ...Object.fromEntries(kept), TMPDIR: place };
}

/** Lists data directories of running servers: as root these are outside of the project. */
function dataOf(titles: readonly string[]): string[] {
  return titles.flatMap((title) => / -D (\S+)/.exec(title)?.[1] ?? []);
}

// Like a terminal, whose Ctrl-C signals every process, and like a supervisor, which signals one.
test.runIf(process.platform === "linux").each([
  ["npm test", ["test", "--silent", "--", "test/integration/worktrees.test.ts"], "SIGINT"],
  ["npm run demo", ["run", "--silent", "demo"], "SIGTERM"],
] as const)(
  "%s leaves nothing behind when it is interrupted",
  { timeout: 180_000 },
  async (_, args, signal) => {
    const place = mkdtempSync(join(tmpdir(), "iki-i"));
    const env = environment(place);
    const npm = execa("npm", args, { env, extendEnv: false, detached: true, reject: false });
    try {
      const titles = await waitFor(
        async () => {
          const found = (await processesOf([place])).map(({ title }) => title);
          const runs = ["runsvdir -P", "nginx: master", "/postgres -D"];
          return runs.every((part) => found.some((title) => title.includes(part))) && found;
        },
        { deadline: 90_000, every: 100, what: "a project to run" },
      );
      const data = dataOf(titles);
      expect(data).not.toEqual([]);
      process.kill((signal === "SIGINT" ? -1 : 1) * (npm.pid ?? 0), signal);
      // Its output ends with the last process that writes to it; npm may exit first.
      const { failed, stderr } = await npm;
      expect(failed).toBe(true);
      expect(stderr).toMatch(/\nInterrupted\.|operation was aborted/);
      await waitFor(async () => (await processesOf([place])).length === 0);
      expect(readdirSync(place)).toEqual([]);
      expect(data.filter((directory) => existsSync(directory))).toEqual([]);
    } finally {
      await endMarked([place]);
      rmSync(place, { recursive: true, force: true });
    }
  },
);
