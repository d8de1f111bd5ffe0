import { execFileSync } from "node:child_process";
import fs from "node:fs";
import { tmpdir } from "node:os";
import { dirname, join } from "node:path";
import { expect, test } from "vitest";
import { sweepTemporaries } from "../../src/host/fs/temporary-files.ts";
import { writeRecord } from "../../src/host/git/hook/manifest.ts";
import { linkToProject } from "../../src/host/project/worktree-link.ts";
import { layoutOf } from "../../src/model/layout.ts";
import { waitFor } from "../support/wait.ts";

test("partial files of a killed daemon are removed; complete ones, and those in work, stay", () => {
  const root = fs.mkdtempSync(join(tmpdir(), "iki-"));
  try {
    const layout = layoutOf(root);
    const at = (name: string) => join(layout.run, name);
    const record = "ab".repeat(32);
    const among = (name: string) => join(root, name);
    const home = { XDG_DATA_HOME: among("data"), XDG_STATE_HOME: among("state") };
    const left = [
      "place.0123456789ab.tmp",
      "env/main.sh.0123456789ab.tmp",
      "sockets/.default.0123456789ab",
      "slots/3/sock.0123456789ab",
    ].map(at);
    left.push(
      ...[
        ".git/ikigai-hooks.json.0123456789ab.tmp",
        ".git/worktrees/rel-05/ikigai.sh.0123456789ab.tmp",
        ".git/info/exclude.0123456789ab.tmp",
        ".git/hooks/post-checkout.0123456789ab.tmp",
        ".git/hooks/ikigai-hook.0123456789ab.tmp",
        "main/.husky/post-merge.old.0123456789ab.tmp",
        `data/direnv/allow/${record}.0123456789ab.tmp`,
        `state/ikigai/direnv/${record}.0123456789ab.tmp`,
      ].map(among),
    );
    const kept = ["place", "env/main.sh", "slots/3/sock", "env/new.sh.0123456789ab.tmp"].map(at);
    const others = [
      ".git/worktrees/rel-05/HEAD.0123456789ab",
      ".git/packed-refs.0123456789ab.tmp",
      ".git/hooks/pre-commit.0123456789ab.tmp",
      ".git/hooks/post-checkout",
      "main/.husky/0123456789ab.tmp",
      `data/direnv/allow/${record}`,
      "data/direnv/allow/theirs.0123456789ab.tmp",
    ].map(among);
    kept.push(...others);
    for (const path of [...left, ...kept]) {
      fs.mkdirSync(dirname(path), { recursive: true });
      fs.writeFileSync(path, "");
    }
    for (const path of [...left, ...others]) fs.utimesSync(path, 0, 0);
    const husky = Buffer.from(among("main/.husky"));
    writeRecord(among(".git"), [{ path: husky, made: false }]);
    sweepTemporaries(layout, among(".git"), home);
    expect(left.filter((path) => fs.existsSync(path))).toEqual([]);
    expect(kept.filter((path) => !fs.existsSync(path))).toEqual([]);
  } finally {
    fs.rmSync(root, { recursive: true });
  }
});

test("a worktree outside of the project never contains a temporary name of its link", async () => {
  const top = fs.mkdtempSync(join(tmpdir(), "iki-"));
  const seen = new Set<string | null>();
  const watcher = fs.watch(top, (_, name) => seen.add(name));
  try {
    execFileSync("git", ["init", "--quiet", top]);
    for (const target of ["/old/.ikigai", "/new/.ikigai"]) {
      await linkToProject(target, Buffer.from(top));
      expect(fs.readlinkSync(join(top, ".ikigai"))).toBe(target);
    }
    fs.writeFileSync(join(top, "last"), "");
    await waitFor(() => seen.has("last"));
    expect([...seen].filter((name) => name?.startsWith(".ikigai"))).toEqual([".ikigai"]);
  } finally {
    watcher.close();
    fs.rmSync(top, { recursive: true });
  }
});
