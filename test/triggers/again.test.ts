import { describe, expect, it } from "vitest";
import { Recheck } from "../../src/daemon/reconciler/recheck.ts";
import type { Slug } from "../../src/model/slug.ts";

const one = "one" as Slug;
const held = new Set([one]);

/** A `Recheck` with a manual clock. */
function manual() {
  const looked: Slug[] = [];
  const timers: (() => void)[] = [];
  const again = new Recheck(
    (slug) => looked.push(slug),
    (then) => timers.push(then),
  );
  return { again, looked, pass: () => timers.splice(0).map((then) => then()) };
}

describe("a worktree that cannot be judged", () => {
  it("is reconciled once more, and again when that was too early", () => {
    const { again, looked, pass } = manual();
    // A full reconcile, a trigger's and the watcher's, all at the same time.
    for (const only of [undefined, one, one]) again.schedule(held, only);
    pass();
    expect(looked).toEqual([one]);
    again.schedule(held, one);
    pass();
    expect(looked).toEqual([one, one]);
  });

  it("is not reconciled for ever: a disk may be missing for long", () => {
    const { again, looked, pass } = manual();
    for (let i = 0; i < 9; i++) {
      again.schedule(held, one);
      pass();
    }
    expect(looked).toHaveLength(3);
  });

  it("has all its tries again when it was present meanwhile", () => {
    const { again, looked, pass } = manual();
    for (let i = 0; i < 4; i++) {
      again.schedule(held);
      pass();
    }
    again.schedule(new Set());
    again.schedule(held);
    pass();
    expect(looked).toHaveLength(4);
  });
});
