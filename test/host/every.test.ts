import { expect, test } from "vitest";
import { logErrors, setCoalescedInterval } from "../../src/host/timers/interval.ts";
import { waitFor } from "../support/wait.ts";

test("failing work is repeated, and each kind of failure is logged once", async () => {
  const lines: string[] = [];
  let times = 0;
  const end = setCoalescedInterval(
    1,
    () => {
      times += 1;
      if (times === 2) throw Object.assign(new Error(`no space at .new-${times}`), { code: "A" });
      if (times === 3) throw Object.assign(new Error(`no space at .new-${times}`), { code: "A" });
      if (times === 4) return Promise.reject(new Error("late"));
      return undefined;
    },
    (line) => lines.push(line),
  );
  await waitFor(() => times > 5);
  end();
  expect(lines).toEqual([
    "failed, and is tried again: Error: no space at .new-2",
    "failed, and is tried again: Error: late",
  ]);
});

test.each([
  ["at once", (error: Error | undefined) => throwIf(error)],
  ["later", async (error: Error | undefined) => throwIf(error)],
])("a failure that comes back after a success is told again, %s", async (_, work) => {
  const lines: string[] = [];
  const run = logErrors(work, (line) => lines.push(line));
  const again = new Error("again");
  for (const error of [again, again, undefined, again]) {
    run(error);
    await Promise.resolve();
  }
  expect(lines).toHaveLength(2);
});

function throwIf(error: Error | undefined): void {
  if (error) throw error;
}

test("arguments are passed to the work", () => {
  const heard: string[] = [];
  logErrors(
    (name: string) => heard.push(name),
    () => {},
  )("one");
  expect(heard).toEqual(["one"]);
});
