import { afterEach, expect, test, vi } from "vitest";
import { WorktreeCache } from "../../src/daemon/reconciler/worktree-cache.ts";

afterEach(() => void vi.restoreAllMocks());

/** Moves the time of day and nothing else. */
function setClock(by: number): void {
  const real = Date.now.bind(Date);
  vi.spyOn(Date, "now").mockImplementation(() => real() + by);
}

test("a reconcile covers changes before it by a file's time, not later ones", () => {
  const seen = new WorktreeCache();
  expect(seen.reconciledSince("main", 0)).toBe(false);
  seen.begin("main");
  const now = Date.now();
  expect(seen.reconciledSince("main", now - 1_000)).toBe(true);
  // A file system's clock ticks more slowly than ours.
  expect(seen.reconciledSince("main", now - 1)).toBe(false);
  expect(seen.reconciledSince("main", now + 1_000)).toBe(false);
});

test.each([-3_600_000, 3_600_000])(
  "nor does a reconcile where the clock was set by %i ms",
  (by) => {
    const seen = new WorktreeCache();
    seen.begin("main");
    const before = Date.now() - 5_000;
    expect(seen.reconciledSince("main", before)).toBe(true);
    setClock(by);
    expect(seen.reconciledSince("main", before)).toBe(false);
  },
);

test("a reconcile covers events before it, whatever the clock says", () => {
  const seen = new WorktreeCache();
  const before = performance.now();
  expect(seen.reconciledAfter("main", before - 1)).toBe(false);
  seen.begin("main");
  setClock(-3_600_000);
  expect(seen.reconciledAfter("main", before - 1)).toBe(true);
  expect(seen.reconciledAfter("main", performance.now() + 1)).toBe(false);
});

test("what a reconcile itself wrote into a worktree's top is no change", () => {
  const seen = new WorktreeCache();
  seen.begin("main");
  const ours = Date.now() + 3;
  expect(seen.reconciledSince("main", ours)).toBe(false);
  seen.recordOwnChange("main", ours);
  expect(seen.reconciledSince("main", ours)).toBe(true);
  expect(seen.reconciledSince("main", ours + 1)).toBe(false);
});
