import {
  chmodSync,
  chownSync,
  mkdirSync,
  readFileSync,
  readlinkSync,
  rmSync,
  statSync,
  symlinkSync,
  writeFileSync,
} from "node:fs";
import { mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterEach, beforeEach, describe, expect, test } from "vitest";
import { outsideData } from "../../src/host/postgres/data-directory.ts";
import { chooseAccount, choosePostgresAccount } from "../../src/host/postgres/os-account.ts";
import { makeDirectories, SkeletonError } from "../../src/host/project/directories.ts";
import { type Layout, layoutOf } from "../../src/model/layout.ts";

const isRoot = process.getuid?.() === 0;
const ours = { user: "", data: "" };
const mode = (path: string) => (statSync(path).mode & 0o777).toString(8);

let base: string;
let layout: Layout;
beforeEach(async () => {
  base = await mkdtemp(join(tmpdir(), "iki-"));
  layout = layoutOf(base);
});
afterEach(() => rm(base, { recursive: true, force: true }));

describe("the skeleton", () => {
  test("is closed to other accounts, whatever the umask, and is closed again when its mode was changed", () => {
    const before = process.umask(0);
    makeDirectories(layout, ours);
    process.umask(before);
    statSync(`${layout.run}/traffic`);
    for (const path of [layout.ikigai, layout.bin, layout.sockets, `${layout.httpd}/pid`]) {
      expect([path, mode(path)]).toEqual([path, "700"]);
    }
    rmSync(layout.deno, { recursive: true });
    mkdirSync(layout.deno, { mode: 0o777 });
    const line = '"main/tcp" 20000;\n';
    writeFileSync(`${layout.run}/ports.map`, line);
    makeDirectories(layout, ours);
    expect(mode(layout.deno)).toBe("700");
    expect(statSync(`${layout.run}/ports.map`).size).toBe(line.length);
  });

  test("lets Postgres' account pass, but not list it, where Postgres runs as another account inside", () => {
    makeDirectories(layout, { user: "postgres", data: "" });
    expect(mode(layout.ikigai)).toBe("711");
    expect(mode(layout.run)).toBe("700");
  });

  test("links db/ to data in another place, and never hides data behind that link", () => {
    const data = join(base, "elsewhere/data");
    makeDirectories(layout, { user: "postgres", data });
    makeDirectories(layout, { user: "postgres", data });
    expect(readlinkSync(layout.db)).toBe(data);
    expect(mode(layout.ikigai)).toBe("700");
    rmSync(layout.db);
    mkdirSync(layout.db);
    mkdirSync(data);
    for (const place of [layout.db, data]) writeFileSync(join(place, "PG_VERSION"), "15");
    expect(() => makeDirectories(layout, { user: "postgres", data })).toThrow(
      /holds data.*\n {2}next: /,
    );
  });

  test("moves data out of a working tree, once, to beside git's own files", async () => {
    const repository = join(base, ".git");
    mkdirSync(repository);
    chmodSync(base, 0o711);
    const account = await choosePostgresAccount(layout, { repository });
    mkdirSync(layout.db, { recursive: true });
    writeFileSync(join(layout.db, "PG_VERSION"), "15");
    expect(account.data).toBe("../.git/ikigai/db");
    makeDirectories(layout, account);
    makeDirectories(layout, account);
    expect(readlinkSync(layout.db)).toBe(account.data);
    expect(readFileSync(join(repository, "ikigai/db/PG_VERSION"), "utf8")).toBe("15");
    expect(mode(join(repository, "ikigai"))).toBe(isRoot ? "711" : "700");
  });

  test("refuses a link, a file and another account's directory, by name", () => {
    symlinkSync(tmpdir(), layout.ikigai);
    expect(() => makeDirectories(layout, ours)).toThrow(
      /\.ikigai is a symbolic link .*\n {2}next: /,
    );
    rmSync(layout.ikigai);
    writeFileSync(layout.ikigai, "");
    expect(() => makeDirectories(layout, ours)).toThrow(/is not a directory/);
    rmSync(layout.ikigai);
    if (!isRoot) return;
    mkdirSync(layout.ikigai);
    chownSync(layout.ikigai, 65534, 65534);
    expect(() => makeDirectories(layout, ours)).toThrow(
      /\.ikigai belongs to .* 65534, and you are 0\.\n {2}next: /,
    );
    rmSync(layout.ikigai, { recursive: true });
    chownSync(base, 65534, 65534);
    expect(() => makeDirectories(layout, ours)).toThrow(SkeletonError);
  });
});

describe("the account of Postgres", () => {
  const passwd =
    "root:x:0:0::/:/bin/sh\nnobody:x:65534:65534::/:\nme:x:1000:1000::/:\nevil:x:0:0::/:\n";
  test("is postgres, otherwise nobody, or the configured one, and never root", () => {
    expect(chooseAccount(passwd)).toEqual({ name: "nobody", uid: 65534, gid: 65534 });
    expect(chooseAccount(`${passwd}postgres:x:70:70::/:\n`)).toMatchObject({ name: "postgres" });
    expect(chooseAccount(passwd, "me")).toMatchObject({ uid: 1000 });
    expect(chooseAccount(passwd, "evil")).toBeUndefined();
    expect(chooseAccount("root:x:0:0::/:/bin/sh\n")).toBeUndefined();
  });

  test.runIf(isRoot)(
    "keeps data inside where it can pass, outside where not, and where it is",
    async () => {
      chmodSync(base, 0o711);
      expect(await choosePostgresAccount(layout)).toMatchObject({ data: "" });
      chmodSync(base, 0o700);
      const outside = await choosePostgresAccount(layout);
      expect(outside.data).toBe(outsideData(base));
      mkdirSync(layout.ikigai);
      symlinkSync("/var/lib/ikigai/0123/data", layout.db);
      expect(await choosePostgresAccount(layout)).toMatchObject({
        data: "/var/lib/ikigai/0123/data",
      });
      await expect(choosePostgresAccount(layout, { user: "no-such-account" })).rejects.toThrow(
        /next: useradd/,
      );
    },
  );

  test.runIf(!isRoot)("is our own account when we are not root", async () => {
    expect(await choosePostgresAccount(layout)).toEqual(ours);
  });
});
