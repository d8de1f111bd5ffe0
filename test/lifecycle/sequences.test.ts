import { existsSync, readFileSync } from "node:fs";
import fc from "fast-check";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import type { TestProject } from "../support/project.ts";
import { letGo, OPERATIONS, type Operation, perform } from "./operations.ts";
import { converged, startProject } from "./support.ts";

const WORKTREES = 3;
let project: TestProject;

beforeAll(async () => {
  const branches = Array.from({ length: WORKTREES }, (_, i) => `b${i}`);
  project = await startProject({ branches });
});
afterAll(async () => {
  expect(await project.dispose()).toEqual([]);
});

const operation: fc.Arbitrary<Operation> = fc.record({
  name: fc.constantFrom(...OPERATIONS, "add", "add", "remove"),
  at: fc.nat({ max: WORKTREES - 1 }),
});
const sequence = fc.array(operation, { minLength: 3, maxLength: 10 });

/** Returns the daemon's pid, identified as this project's by its command line. */
function killDaemon(): void {
  const pid = Number(readFileSync(`${project.root}/.ikigai/run/daemon.pid`, "utf8"));
  const file = `/proc/${pid}/cmdline`;
  // It may still be restarting.
  const command = existsSync(file) ? readFileSync(file, "utf8").split("\0") : [];
  if (command.includes(project.root)) process.kill(pid, "SIGKILL");
}

describe("after any sequence of operations", () => {
  it("exactly git's worktrees are provisioned, and nothing is left over", async () => {
    await fc.assert(
      fc.asyncProperty(sequence, async (operations) => {
        for (const one of operations) await perform(project, one);
        await letGo(project, WORKTREES);
        await converged(project);
      }),
      { numRuns: 12, endOnFailure: true },
    );
  });

  it("also when the daemon is killed at any time", async () => {
    await fc.assert(
      fc.asyncProperty(
        sequence,
        fc.nat({ max: 9 }),
        fc.nat({ max: 60 }),
        async (operations, when, pause) => {
          for (const [i, one] of operations.entries()) {
            const done = perform(project, one);
            if (i === when % operations.length) {
              await new Promise((resolve) => setTimeout(resolve, pause));
              killDaemon();
            }
            await done;
          }
          await letGo(project, WORKTREES);
          await converged(project, 20_000);
        },
      ),
      { numRuns: 8, endOnFailure: true },
    );
  });
});
