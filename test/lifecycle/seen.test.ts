import { afterEach, expect, test, vi } from "vitest";
import { WorktreeCache } from "../../src/daemon/reconciler/worktree-cache.ts";

afterEach(() => void vi.restoreAllMocks());

/** Sets the time of day forward or back, and nothing else. */
function setClock(by: number): void {
  const real = Date.now.bind(Date);
  vi.spyOn(Date, "now").mockImplementation(() => real() + by);
}

test("a look counts for what a file's time says was before it, not for what came after", () => {
  const seen = new WorktreeCache();
  expect(seen.reconciledSince("main", 0)).toBe(false);
  seen.begin("main");
  const now = Date.now();
  expect(seen.reconciledSince("main", now - 1_000)).toBe(true);
  // A file system's clock ticks more slowly than ours.
  expect(seen.reconciledSince("main", now - 1)).toBe(false);
  expect(seen.reconciledSince("main", now + 1_000)).toBe(false);
});

test.each([-3_600_000, 3_600_000])("nor does any look where the clock was set by %i ms", (by) => {
  const seen = new WorktreeCache();
  seen.begin("main");
  const before = Date.now() - 5_000;
  expect(seen.reconciledSince("main", before)).toBe(true);
  setClock(by);
  expect(seen.reconciledSince("main", before)).toBe(false);
});

test("a look counts for what was heard before it, whatever the clock says", () => {
  const seen = new WorktreeCache();
  const before = performance.now();
  expect(seen.reconciledAfter("main", before - 1)).toBe(false);
  seen.begin("main");
  setClock(-3_600_000);
  expect(seen.reconciledAfter("main", before - 1)).toBe(true);
  expect(seen.reconciledAfter("main", performance.now() + 1)).toBe(false);
});

test("what a look itself wrote into a worktree's top is nothing new", () => {
  const seen = new WorktreeCache();
  seen.begin("main");
  const ours = Date.now() + 3;
  expect(seen.reconciledSince("main", ours)).toBe(false);
  seen.recordOwnChange("main", ours);
  expect(seen.reconciledSince("main", ours)).toBe(true);
  expect(seen.reconciledSince("main", ours + 1)).toBe(false);
});
