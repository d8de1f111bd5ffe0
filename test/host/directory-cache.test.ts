import { mkdirSync, mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { expect, test } from "vitest";
import { DirectoryCache } from "../../src/host/git/directory-cache.ts";

test("cached facts about a directory are dropped when it is removed", () => {
  const base = mkdtempSync(join(tmpdir(), "iki-cache-"));
  try {
    const cache = new DirectoryCache<number>();
    for (let n = 0; n < 10; n++) {
      const worktree = join(base, `worktree-${n}`);
      mkdirSync(worktree);
      cache.set(worktree, Buffer.from(worktree), n);
      expect(cache.get(worktree)).toBe(n);
      if (n > 0) rmSync(worktree, { recursive: true });
    }
    expect(cache.get(join(base, "worktree-0"))).toBe(0);
    expect(cache.size).toBeLessThanOrEqual(2);
  } finally {
    rmSync(base, { recursive: true });
  }
});
