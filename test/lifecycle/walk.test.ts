import fc from "fast-check";
import { expect, it } from "vitest";
import { letGo, OPERATIONS, type Operation, perform } from "./operations.ts";
import { converged, startProject } from "./support.ts";

const SEED = Number(process.env.IKIGAI_WALK_SEED ?? 20_260_101);
const STEPS = Number(process.env.IKIGAI_WALK_STEPS ?? 500);
const WORKTREES = 20;
/** Several users work in parallel, each with their own worktrees. */
const WALKERS = 4;

it(`a random walk of ${STEPS} operations over ${WORKTREES} worktrees ends converged`, async () => {
  console.log(`walk: seed ${SEED} (IKIGAI_WALK_SEED), ${STEPS} steps (IKIGAI_WALK_STEPS)`);
  const branches = Array.from({ length: WORKTREES }, (_, i) => `b${i}`);
  const project = await startProject({ branches });
  try {
    const operation: fc.Arbitrary<Operation> = fc.record({
      name: fc.constantFrom(...OPERATIONS, "add", "add", "add", "switch"),
      at: fc.nat({ max: WORKTREES - 1 }),
    });
    const steps = fc.sample(operation, { numRuns: STEPS, seed: SEED });
    await Promise.all(
      Array.from({ length: WALKERS }, async (_, walker) => {
        for (const step of steps.filter(({ at }) => at % WALKERS === walker)) {
          await perform(project, step);
        }
      }),
    );
    await letGo(project, WORKTREES);
    const { schemas } = await converged(project, 30_000);
    expect(schemas.length).toBeGreaterThan(3);
  } finally {
    expect(await project.dispose()).toEqual([]);
  }
}, 150_000);
