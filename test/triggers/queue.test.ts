import { expect, test } from "vitest";
import { CoalescingQueue } from "../../src/daemon/reconciler/coalescing-queue.ts";

test("requests during a run are served together by one more run", async () => {
  const ends: (() => void)[] = [];
  const queue = new CoalescingQueue(() => new Promise<void>((resolve) => void ends.push(resolve)));
  const first = queue.request("a");
  const later = [queue.request("a"), queue.request("a")];
  ends[0]?.();
  await first;
  await Promise.resolve();
  ends[1]?.();
  await Promise.all(later);
  expect(ends).toHaveLength(2);
});

test("a request during a pause is served by that run, which continues at once", async () => {
  let runs = 0;
  const queue = new CoalescingQueue<string>(async (_, pause) => {
    runs++;
    // Longer than any test: only a request ends it.
    await pause(3_600_000);
  });
  const first = queue.request("a");
  await Promise.all([first, queue.request("a"), queue.request("a")]);
  expect(runs).toBe(1);
  expect(queue.isBusy("a")).toBe(false);
});
