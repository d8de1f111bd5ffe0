import { existsSync, lstatSync, readFileSync } from "node:fs";
import { appendFile, mkdtemp, readFile, rm, symlink } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import fc from "fast-check";
import { expect, test } from "vitest";
import { excludeFromStatus, restoreExclude } from "../../src/host/git/info-exclude.ts";
import { snapshot } from "./snapshot.ts";
import { makeSandbox, write } from "./support.ts";

test("ikigai's files show in no worktree's status, and the exclude file is restored", async () => {
  await using box = await makeSandbox();
  const info = join(box.commonDir, "info");
  await write(join(info, "exclude"), "# mine\n*.log", 0o640);
  const before = snapshot(info);
  await box.git(box.main, "worktree", "add", "--quiet", "../linked");
  const linked = join(box.base, "linked");
  await symlink(join(box.root, ".ikigai"), join(linked, ".ikigai"));
  for (const top of [box.main, linked]) await write(join(top, ".envrc"), "source_env ..\n");
  await write(join(box.root, ".ikigai/settings"), "x\n");
  await write(join(linked, "a.log"), "x\n");
  expect(await box.git(linked, "status", "--porcelain")).toBe("?? .envrc\n?? .ikigai");

  excludeFromStatus(box.commonDir, ["/.envrc", "/.ikigai"]);
  for (const top of [box.main, linked]) {
    expect(await box.git(top, "status", "--porcelain", "--untracked-files=all")).toBe("");
  }
  restoreExclude(box.commonDir);
  expect(snapshot(info)).toEqual(before);
});

test("a tracked .envrc still shows its changes", async () => {
  await using box = await makeSandbox();
  await write(join(box.main, ".envrc"), "one\n");
  await box.git(box.main, "add", ".envrc");
  await box.git(box.main, "commit", "--quiet", "--message=Environment");
  excludeFromStatus(box.commonDir, ["/.envrc", "/.ikigai"]);
  await write(join(box.main, ".envrc"), "two\n");
  expect(await box.git(box.main, "status", "--porcelain")).toBe(" M .envrc");
});

test("a file or directory that we made is removed with us", async () => {
  await using box = await makeSandbox();
  const info = join(box.commonDir, "info");
  await rm(join(info, "exclude"));
  excludeFromStatus(box.commonDir, ["/.envrc"]);
  restoreExclude(box.commonDir);
  expect(existsSync(join(info, "exclude"))).toBe(false);
  expect(existsSync(info)).toBe(true);
  await rm(info, { recursive: true });
  excludeFromStatus(box.commonDir, ["/.envrc"]);
  excludeFromStatus(box.commonDir, ["/.envrc", "/.ikigai"]);
  restoreExclude(box.commonDir);
  expect(existsSync(info)).toBe(false);
});

test.each(["# mine\n*.log\n", "# mine\n*.log", "", undefined])(
  "our lines, truncated anywhere in a file of %j, are repaired, and removed without a trace",
  async (theirs) => {
    await using box = await makeSandbox();
    const path = join(box.commonDir, "info/exclude");
    if (theirs === undefined) await rm(path);
    else await write(path, theirs);
    const before = snapshot(join(box.commonDir, "info"));
    excludeFromStatus(box.commonDir, ["/.envrc", "/.ikigai"]);
    const whole = readFileSync(path, "utf8");
    // Any cut from the complete opening line on; the last line feed is not needed.
    const begins = whole.indexOf(" >>>\n") + " >>>\n".length;
    for (let length = begins; length < whole.length - 1; length++) {
      await write(path, whole.slice(0, length));
      excludeFromStatus(box.commonDir, ["/.envrc", "/.ikigai"]);
      expect(readFileSync(path, "utf8"), `${length} bytes`).toBe(whole);
    }
    restoreExclude(box.commonDir);
    expect(snapshot(join(box.commonDir, "info"))).toEqual(before);
  },
);

test("text after half a block of ours stays", async () => {
  await using box = await makeSandbox();
  const path = join(box.commonDir, "info/exclude");
  await write(path, "# >>> ikigai >>>\n/.envrc\n*.log\n");
  excludeFromStatus(box.commonDir, ["/.envrc", "/.ikigai"]);
  restoreExclude(box.commonDir);
  expect(readFileSync(path, "utf8")).toBe("# >>> ikigai >>>\n/.envrc\n*.log\n");
});

test("text that is added to a file of ours stays", async () => {
  await using box = await makeSandbox();
  const path = join(box.commonDir, "info/exclude");
  await rm(path);
  excludeFromStatus(box.commonDir, ["/.envrc"]);
  await appendFile(path, "*.log\n");
  excludeFromStatus(box.commonDir, []);
  expect(await readFile(path, "utf8")).toBe("*.log\n");
});

test("a linked file stays a link", async () => {
  await using box = await makeSandbox();
  const path = join(box.commonDir, "info/exclude");
  const target = join(box.base, "excludes");
  await write(target, "*.log\n");
  await rm(path);
  await symlink(target, path);
  excludeFromStatus(box.commonDir, ["/.envrc"]);
  expect(lstatSync(path).isSymbolicLink()).toBe(true);
  expect(readFileSync(target, "utf8")).toMatch(/^\*\.log\n# >>> ikigai/);
  restoreExclude(box.commonDir);
  expect(readFileSync(target, "utf8")).toBe("*.log\n");
});

test("any patterns after any others leave any file as it was", async () => {
  const commonDir = await mkdtemp(join(tmpdir(), "iki-"));
  const path = join(commonDir, "info/exclude");
  const patterns = fc.subarray(["/.envrc", "/.ikigai", "/x y"]);
  await fc.assert(
    fc.asyncProperty(fc.uint8Array(), fc.array(patterns), async (bytes, steps) => {
      await write(path, Buffer.from(bytes).toString("latin1"));
      for (const step of steps) excludeFromStatus(commonDir, step);
      const written = lstatSync(path, { bigint: true }).mtimeNs;
      excludeFromStatus(commonDir, steps.at(-1) ?? []);
      expect(lstatSync(path, { bigint: true }).mtimeNs).toBe(written);
      restoreExclude(commonDir);
      expect(new Uint8Array(readFileSync(path))).toEqual(bytes);
    }),
    { numRuns: 50 },
  );
  await rm(commonDir, { recursive: true });
});
