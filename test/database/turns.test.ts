import { existsSync, mkdtempSync, readFileSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterEach, beforeEach, expect, test } from "vitest";
import type { WorktreeFacts } from "../../src/discovery/facts.ts";
import { BranchProgress } from "../../src/host/postgres/branch-progress.ts";
import { layoutOf } from "../../src/model/layout.ts";
import { makeSchema, type SchemaRequest } from "../../src/resources/schema-creation.ts";
import type { StepContext } from "../../src/resources/step-context.ts";
import { canLimitFiles, withFileLimit } from "../support/file-limit.ts";

let root: string;
let branching: BranchProgress;

beforeEach(() => {
  root = mkdtempSync(join(tmpdir(), "iki-"));
  branching = new BranchProgress(layoutOf(root));
});
afterEach(() => rmSync(root, { recursive: true }));

test("two branches are made at a time, the others in order of arrival", async () => {
  const ends: (() => void)[] = [];
  const begun: number[] = [];
  const turns = [0, 1, 2, 3, 4].map((n) =>
    branching.inTurn(() => {
      begun.push(n);
      return n === 0
        ? Promise.reject(new Error("failed"))
        : new Promise<void>((resolve) => ends.push(resolve));
    }),
  );
  await expect(turns[0]).rejects.toThrow("failed");
  expect(begun).toEqual([0, 1, 2]);
  ends.shift()?.();
  await turns[1];
  expect(begun).toEqual([0, 1, 2, 3]);
  ends.shift()?.();
  await turns[2];
  expect(begun).toEqual([0, 1, 2, 3, 4]);
  for (const end of ends) end();
  await Promise.all(turns.slice(3));
});

test("waiting clients are told when a branch begins, and shells find its progress", () => {
  const { quiet } = branching;
  branching.set("one", 0);
  expect(quiet.aborted).toBe(true);
  expect(branching.quiet.aborted).toBe(false);
  const file = join(layoutOf(root).environments, "one.branching");
  branching.set("one", 0.429);
  expect(readFileSync(file, "utf8")).toBe("42\n");
  branching.delete("one");
  expect(existsSync(file)).toBe(false);
});

test.runIf(canLimitFiles)("a schema that does not fit on a full disk is not begun", async () => {
  const worktree = { slug: "rel-05", path: Buffer.from("/nowhere") } as unknown as WorktreeFacts;
  const begin = () =>
    makeSchema({ branchProgress: branching } as StepContext, { worktree } as SchemaRequest);
  await withFileLimit(0, () => expect(begin()).rejects.toThrow("EFBIG"));
  expect(branching.size).toBe(0);
});
