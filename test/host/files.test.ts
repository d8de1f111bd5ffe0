import { mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterEach, beforeEach, expect, test } from "vitest";
import { writeAtomically } from "../../src/host/fs/files.ts";
import { canLimitFiles, withFileLimit } from "../support/file-limit.ts";

let directory: string;
beforeEach(() => {
  directory = mkdtempSync(join(tmpdir(), "iki-files-"));
});
afterEach(() => rmSync(directory, { recursive: true, force: true }));

test.runIf(canLimitFiles)(
  "a failed write leaks no descriptor, and leaves the old content and nothing else",
  async () => {
    const path = join(directory, "state");
    writeFileSync(path, "old");
    const open = () => readdirSync("/proc/self/fd").length;
    const before = open();
    await withFileLimit(0, () => {
      for (let n = 0; n < 5; n++) expect(() => writeAtomically(path, "new")).toThrow("EFBIG");
    });
    expect(open()).toBe(before);
    expect(readFileSync(path, "utf8")).toBe("old");
    expect(readdirSync(directory)).toEqual(["state"]);
  },
);
