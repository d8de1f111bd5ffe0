import fs from "node:fs";
import os from "node:os";
import { join } from "node:path";
import { afterEach, beforeEach, describe, expect, it } from "vitest";
import {
  approve,
  isTrusted,
  lastApproved,
  listApprovals,
  projectIdentity,
  untrusted,
} from "../../src/host/trust/approvals.ts";
import type { Trustable } from "../../src/model/trust.ts";

let base: string;
let environment: { XDG_STATE_HOME: string };
let store: string;

beforeEach(() => {
  base = fs.mkdtempSync(join(os.tmpdir(), "iki-"));
  environment = { XDG_STATE_HOME: join(base, "state") };
  store = join(base, "state/ikigai/trust");
});
afterEach(() => fs.rmSync(base, { recursive: true, force: true }));

const run: Trustable = {
  kind: "run",
  what: "backend/run",
  hash: "aa",
  text: "#!/bin/sh\nexec a\n",
};
const changed: Trustable = { ...run, hash: "bb", text: "#!/bin/sh\nexec b\n" };

describe("approvals", () => {
  it("apply to one content, in its place, in its project only", () => {
    expect(isTrusted("p", run, environment)).toBe(false);
    approve("p", [run], environment);
    expect(isTrusted("p", run, environment)).toBe(true);
    expect(isTrusted("p", { ...run, text: "shown otherwise" }, environment)).toBe(true);
    for (const other of [
      changed,
      { ...run, what: "web/backend/run" },
      { ...run, kind: "command" as const },
    ]) {
      expect(untrusted("p", [run, other], environment)).toEqual([other]);
    }
    expect(isTrusted("q", run, environment)).toBe(false);
  });

  it("keep what was approved, so that a change can be shown", () => {
    approve("p", [run], environment);
    expect(lastApproved("p", changed, environment)?.text).toBe(run.text);
    expect(lastApproved("q", changed, environment)).toBeUndefined();
  });

  it("are listed", () => {
    approve("p", [run, changed], environment);
    approve("p", [run], environment);
    approve("q", [run], environment);
    const mine = listApprovals("p", environment);
    expect(mine.map(({ hash }) => hash).sort()).toEqual(["aa", "bb"]);
    expect(listApprovals(undefined, environment)).toHaveLength(3);
  });

  it("are readable and writable for their owner only", () => {
    approve("p", [run], environment);
    const mode = (path: string) => fs.statSync(path).mode & 0o777;
    expect(mode(store)).toBe(0o700);
    expect(fs.readdirSync(store).map((name) => mode(join(store, name)))).toEqual([0o600]);
  });

  it("are ignored once others could have written them", () => {
    approve("p", [run], environment);
    fs.chmodSync(store, 0o777);
    expect(isTrusted("p", run, environment)).toBe(false);
    expect(() => approve("p", [changed], environment)).toThrow("chmod 700");
    fs.chmodSync(store, 0o700);
    fs.renameSync(store, `${store}.real`);
    fs.symlinkSync(`${store}.real`, store);
    expect(isTrusted("p", run, environment)).toBe(false);
  });

  it("are ignored when damaged, and can be repeated", () => {
    approve("p", [run, changed], environment);
    const [first = "", second = ""] = fs.readdirSync(store).map((name) => join(store, name));
    fs.writeFileSync(first, "");
    fs.copyFileSync(first, join(store, "0".repeat(64)));
    expect(listApprovals("p", environment)).toHaveLength(1);
    fs.copyFileSync(second, first);
    expect(listApprovals("p", environment)).toHaveLength(1);
    approve("p", [run, changed], environment);
    expect(listApprovals("p", environment)).toHaveLength(2);
  });
});

it("a project is identified by its repository's directory, which may move, but not be replaced", () => {
  const git = join(base, "git");
  fs.mkdirSync(git);
  const before = projectIdentity(git);
  fs.renameSync(git, join(base, "moved"));
  expect(projectIdentity(join(base, "moved"))).toBe(before);
  fs.mkdirSync(git);
  expect(projectIdentity(git)).not.toBe(before);
  expect(() => projectIdentity(join(base, "gone"))).toThrow("is gone");
});
