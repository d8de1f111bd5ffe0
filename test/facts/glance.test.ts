import { mkdir, mkdtemp, rename, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { expect, test } from "vitest";
import { changesSince, hasChanged, takeSnapshot } from "../../src/daemon/watch/change-poll.ts";
import { waitFor } from "../support/wait.ts";

/** A file system may give two changes within one tick the same time. */
async function eventually(condition: () => boolean, change: () => Promise<unknown>): Promise<void> {
  await waitFor(async () => {
    await change();
    return condition();
  });
}

test("a snapshot shows what was added, removed, moved and changed", async () => {
  const base = await mkdtemp(join(tmpdir(), "iki-"));
  const tops = ["one", "two/deep", "é"].map((name) => join(base, name));
  for (const top of tops) await mkdir(top, { recursive: true });
  await mkdir(join(base, ".git/worktrees/one"), { recursive: true });
  const worktrees = tops.map((path, i) => ({
    slug: `w${i}`,
    path: Buffer.from(path),
    state: "present" as const,
  }));
  const look = () => takeSnapshot(join(base, ".git"), worktrees);
  const stirred = (before: ReturnType<typeof look>) => hasChanged(join(base, ".git"), before);
  try {
    let before = look();
    expect([...before.places.keys()].sort()).toEqual([base, join(base, "two")].sort());
    expect(stirred(before)).toBe(false);
    expect(changesSince(before, look())).toEqual({ all: false, names: [], tops: new Map() });

    await rm(tops[2] ?? "", { recursive: true });
    expect(stirred(before)).toBe(true);
    expect([...changesSince(before, look()).tops.keys()]).toEqual(["w2"]);

    before = look();
    await rename(join(base, "two/deep"), join(base, "two/elsewhere"));
    expect(stirred(before)).toBe(true);
    expect([...changesSince(before, look()).tops.keys()].sort()).toEqual(["w1", "w2"]);

    before = look();
    await mkdir(join(base, ".git/worktrees/three"));
    expect(stirred(before)).toBe(true);
    expect(changesSince(before, look()).names).toEqual(["three"]);

    before = look();
    let times = 0;
    await eventually(
      () => changesSince(before, look()).tops.has("w0"),
      () => writeFile(join(base, `one/file-${times++}`), ""),
    );
    expect(stirred(before)).toBe(false);
  } finally {
    await rm(base, { recursive: true });
  }
});
