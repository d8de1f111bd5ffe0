import fs from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterEach, beforeEach, expect, test } from "vitest";
import { PortAllocator } from "../../src/host/net/port-allocator.ts";
import { DefaultPointer } from "../../src/host/nginx/default-pointer.ts";
import { KeptConnections } from "../../src/host/nginx/keepalive-slots.ts";
import { layoutOf } from "../../src/model/layout.ts";
import { nginxRoute } from "../../src/resources/nginx-route.ts";
import type { StepContext } from "../../src/resources/step-context.ts";

let base: string;
let outside: string;
let host: Pick<StepContext, "layout" | "pointer" | "ports">;

beforeEach(() => {
  base = fs.realpathSync(fs.mkdtempSync(join(tmpdir(), "iki-")));
  outside = join(base, "outside");
  fs.mkdirSync(join(outside, "precious"), { recursive: true });
  fs.writeFileSync(join(outside, "precious/file"), "kept");
  const layout = layoutOf(join(base, "project"));
  for (const path of [layout.documents, layout.sockets]) fs.mkdirSync(path, { recursive: true });
  const pointer = new DefaultPointer(
    layout,
    new KeptConnections(layout),
    () => "",
    new AbortController().signal,
  );
  host = { layout, pointer, ports: new PortAllocator(layout, () => {}) };
});
afterEach(() => fs.rmSync(base, { recursive: true, force: true }));

const have = () => nginxRoute.observe(host as StepContext, undefined);
const links = new Map([["frontend", Buffer.from("/somewhere/frontend")]]);

/** Does what the reconciler does with one key. */
async function settle(key: string, want?: typeof links): Promise<void> {
  const found = (await have()).get(key);
  const differs = nginxRoute.compare(want, found);
  if (!differs) return;
  const step = { kind: nginxRoute.kind, key, action: differs.action, why: differs.why };
  await nginxRoute.apply(host as StepContext, step, want, found);
}
const precious = () => fs.readFileSync(join(outside, "precious/file"), "utf8");

test.each(["zzz", "ZZZ"])("a directory of documents that is nobody's, %s, goes", async (name) => {
  const directory = join(host.layout.documents, name);
  fs.mkdirSync(directory);
  fs.symlinkSync(outside, join(directory, "frontend"));
  await settle(name);
  expect(fs.existsSync(directory)).toBe(false);
  expect(precious()).toBe("kept");
});

test("a link in place of a worktree's documents or sockets is replaced, and nothing is written through it", async () => {
  const { documents, sockets } = host.layout;
  for (const place of [documents, sockets]) {
    fs.rmSync(join(documents, "main"), { recursive: true, force: true });
    fs.rmSync(join(sockets, "main"), { recursive: true, force: true });
    fs.symlinkSync(outside, join(place, "main"));
    await settle("main", links);
    expect(fs.lstatSync(join(place, "main")).isDirectory()).toBe(true);
    expect(fs.readdirSync(join(documents, "main"))).toEqual(["frontend"]);
    expect(nginxRoute.compare(links, (await have()).get("main"))).toBeUndefined();
  }
  expect(fs.readdirSync(outside)).toEqual(["precious"]);
  expect(precious()).toBe("kept");
});

test("a directory or a file in place of a link to a frontend is replaced", async () => {
  const directory = join(host.layout.documents, "main");
  fs.mkdirSync(join(directory, "frontend/x"), { recursive: true });
  fs.mkdirSync(join(directory, "zzz/x"), { recursive: true });
  await settle("main", links);
  expect(fs.readdirSync(directory)).toEqual(["frontend"]);
  expect(fs.readlinkSync(join(directory, "frontend"))).toBe("/somewhere/frontend");
});

test.each(["httpd", "documents", "run", "sockets"] as const)(
  "nothing is removed or written where %s is a foreign link",
  async (part) => {
    const path = host.layout[part];
    fs.rmSync(path, { recursive: true });
    for (const below of ["root/precious", "sockets/precious", "precious"]) {
      fs.mkdirSync(join(outside, below), { recursive: true });
    }
    fs.symlinkSync(outside, path);
    const before = fs.readdirSync(outside, { recursive: true }).sort();
    expect((await have()).size).toBe(0);
    await expect(settle("main", links)).rejects.toThrow("contains a symbolic link");
    const step = { kind: nginxRoute.kind, key: "precious", action: "remove", why: "" } as const;
    await expect(nginxRoute.apply(host as StepContext, step, undefined, undefined)).rejects.toThrow(
      "contains a symbolic link",
    );
    expect(fs.readdirSync(outside, { recursive: true }).sort()).toEqual(before);
  },
);
