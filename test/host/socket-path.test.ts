import fs from "node:fs";
import { tmpdir } from "node:os";
import { dirname, join } from "node:path";
import { afterEach, beforeEach, expect, test } from "vitest";
import { forgetAlias, socketPaths } from "../../src/host/net/socket-path.ts";
import { type Layout, layoutOf } from "../../src/model/layout.ts";
import { accounts, ourselves } from "../support/as-user.ts";

const other = accounts().find(({ uid }) => uid !== ourselves.uid);
const before = process.env.XDG_RUNTIME_DIR;
let base: string;
let layout: Layout;

beforeEach(() => {
  // Short, as it is the base of the short name.
  base = fs.realpathSync(fs.mkdtempSync(join("/tmp", "iki-")));
  process.env.XDG_RUNTIME_DIR = base;
  layout = layoutOf(join(base, "p".repeat(100)));
  fs.mkdirSync(layout.sockets, { recursive: true });
});
afterEach(() => {
  if (before === undefined) delete process.env.XDG_RUNTIME_DIR;
  else process.env.XDG_RUNTIME_DIR = before;
  for (const path of [base, ...aliases]) fs.rmSync(path, { recursive: true, force: true });
  aliases.clear();
});

/** A daemon that has just started. */
const path = () => socketPaths(layout)("main", "backend");
const aliasOf = () => {
  const alias = dirname(dirname(path()));
  aliases.add(alias);
  return alias;
};
/** In /tmp, if `base` is not short enough. */
const aliases = new Set<string>();

test("a path that is too long for a socket has a short one, the same every time", () => {
  const alias = aliasOf();
  expect(fs.readlinkSync(alias)).toBe(layout.sockets);
  expect(path()).toBe(`${alias}/main/backend.sock`);
  expect(Buffer.byteLength(`${alias}/${"a".repeat(40)}/${"b".repeat(40)}.sock`)).toBeLessThan(104);
  forgetAlias(layout);
  expect(fs.existsSync(alias)).toBe(false);
});

test("a link of ours with an outdated target, as after a move, is corrected", () => {
  const alias = aliasOf();
  fs.rmSync(alias);
  fs.symlinkSync(tmpdir(), alias);
  expect(aliasOf()).toBe(alias);
  expect(fs.readlinkSync(alias)).toBe(layout.sockets);
});

test("the link of a deleted project is removed, and those of others stay", () => {
  const alias = aliasOf();
  const near = (end: string, target: string) => {
    const link = alias.slice(0, -6) + end;
    fs.symlinkSync(target, link);
    aliases.add(link);
    return link;
  };
  const emptied = join(base, "emptied");
  fs.mkdirSync(emptied);
  const deleted = near("zzzzz0", join(base, "deleted/.ikigai/run/sockets"));
  const kept = [
    near("zzzzz1", join(emptied, ".ikigai/run/sockets")),
    near("zzzzz2", join(base, "something/else")),
    near("longer-name", join(base, "deleted/.ikigai/run/sockets")),
  ];
  const foreign = near("zzzzz3", join(base, "deleted/.ikigai/run/sockets"));
  // Its name is too long for a path, so that stat(2) fails with another error than ENOENT.
  kept.push(near("zzzzz4", `/${"x".repeat(300)}/.ikigai/run/sockets`));
  if (other) {
    fs.lchownSync(foreign, other.uid, other.gid);
    kept.push(foreign);
  }
  expect(aliasOf()).toBe(alias);
  const there = (link: string) => fs.lstatSync(link, { throwIfNoEntry: false }) !== undefined;
  expect(there(deleted)).toBe(false);
  expect(kept.filter((link) => !there(link))).toEqual([]);
});

test.each(["a file", "a directory"])("%s in its place is refused by name, and stays", (what) => {
  const alias = aliasOf();
  fs.rmSync(alias);
  if (what === "a file") fs.writeFileSync(alias, "mine");
  else fs.mkdirSync(join(alias, "main"), { recursive: true });
  expect(path).toThrow(`${alias} is needed as a short name for the sockets of ${layout.root}`);
  forgetAlias(layout);
  expect(fs.lstatSync(alias).isSymbolicLink()).toBe(false);
});

test.skipIf(!other)("a link of another account is refused by name, wherever it leads", () => {
  const alias = aliasOf();
  for (const target of [layout.sockets, join(base, "elsewhere")]) {
    fs.rmSync(alias);
    fs.symlinkSync(target, alias);
    fs.lchownSync(alias, other?.uid ?? 0, other?.gid ?? 0);
    expect(path).toThrow(/^\/tmp\/.* and somebody else has it\. Remove it, or move the project/);
    expect(fs.readlinkSync(alias)).toBe(target);
  }
});
