import { readdirSync, readFileSync } from "node:fs";
import { mkdir, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { afterAll, beforeAll, expect, test } from "vitest";
import { makeProject, type TestProject } from "../support/project.ts";
import { waitFor } from "../support/wait.ts";

/** Written to end a word, a line, a path, a statement, a directive or a terminal's sentence. */
const HOSTILE = [
  "$(touch canary)",
  "`touch canary`",
  "a;touch canary",
  "a && touch canary",
  "a|tee canary",
  "a\ntouch canary\n",
  "-rf",
  "--help",
  "'; DROP SCHEMA wt_main CASCADE; --",
  '"; DROP ROLE wt_main; --',
  "$$; SELECT 1; $$",
  "x; } location /evil { return 200; } #",
  'x" 1; include /etc/passwd; "',
  "$document_root",
  "$\u007bIFS}",
  "\u001b]0;owned\u0007",
  "\u001b[2J\u001b[31m",
  "\u009b31m",
  "\r\rback",
  "..",
  "...",
  "a..b",
  "%2e%2e%2f",
  "%n%s%x",
  "con.",
  "wt_main",
  "MAIN",
  "ma\u200bin",
  "\u202egnp.exe",
  "ｍａｉｎ",
  "тест",
  "e\u0301",
  "\u0000".replace("\u0000", "\u0001"),
  "a".repeat(200),
  "*",
  "?",
  "[a-z]",
  "~root",
  "a=b",
  "#",
  "!",
  "\\",
  "\\n",
  "\"'",
  "frontend",
  "backend",
  "api",
  "node_modules",
  "{{7*7}}",
  "<script>alert(1)</script>",
];

let project: TestProject;

beforeAll(async () => {
  project = await makeProject({ worktrees: ["rel-05"] });
  for (const name of HOSTILE.filter((n) => n !== ".." && n !== "." && n !== "backend")) {
    const service = join(project.worktree("main"), name, "frontend");
    await mkdir(service, { recursive: true });
    await writeFile(join(service, "index.html"), `service ${name}`);
  }
  const started = await project.ikigai("start");
  expect(started.exitCode, started.stderr).toBe(0);
});
afterAll(() => project?.[Symbol.asyncDispose]());

const slugs = (path: string) => readdirSync(join(project.root, ".ikigai", path));
const isPlain = (name: string) => /^(?:\.default|[a-z0-9-]{1,40})$/.test(name);

test("hostile directories are services under plain names, all different, and run nothing", async () => {
  const names = slugs("httpd/root/main");
  expect(names.filter((name) => !isPlain(name))).toEqual([]);
  expect(names.length).toBeGreaterThan(40);
  for (const name of names.filter((n) => n !== "frontend")) {
    const answer = await project.http(`/main/${name}/`);
    expect([200, 404], name).toContain(answer.status);
  }
  expect(await strays()).toEqual([]);
});

/** Canaries, wherever a shell might have stood. */
async function strays(): Promise<string[]> {
  const { stdout } = await project.run("find", [join(project.root, ".."), "-name", "canary"]);
  return stdout.split("\n").filter(Boolean);
}

test("hostile branches and worktree directories get plain names, their schemas and no effect", async () => {
  const conf = readFileSync(join(project.root, ".ikigai/httpd/nginx.conf"), "utf8");
  const made: string[] = [];
  for (const [i, name] of HOSTILE.entries()) {
    if (name === ".." || name === "...") continue;
    const path = join(project.root, `d${i}`, name);
    await mkdir(join(path, ".."), { recursive: true });
    // What git takes for a branch is git's to say; the directory is hostile in any case.
    const branch = await project.run("git", ["check-ref-format", "--branch", name]);
    const as = branch.exitCode === 0 && !/^(MAIN|frontend)$/.test(name) ? name : `b${i}`;
    const added = await project.run("git", ["worktree", "add", "-q", "-b", as, path, "main"]);
    if (added.exitCode === 0) made.push(name);
  }
  expect(made.length).toBeGreaterThan(40);
  await project.ikigai("start");
  const list = JSON.parse((await project.ikigai("wt", "list", "--json")).stdout) as {
    worktrees: { slug: string; state: string; schema: string }[];
  };
  expect(list.worktrees).toHaveLength(made.length + 2);
  expect(new Set(list.worktrees.map(({ slug }) => slug)).size).toBe(list.worktrees.length);
  for (const { slug, schema } of list.worktrees) {
    expect(slug).toMatch(/^[a-z0-9-]{1,40}$/);
    expect(schema).toMatch(/^wt_[a-z0-9_]{1,40}$/);
  }
  await waitFor(
    async () =>
      JSON.parse((await project.ikigai("wt", "list", "--json")).stdout).worktrees.every(
        (w: { state: string }) => w.state === "ready",
      ),
    { deadline: 30_000, every: 500 },
  );
  for (const place of ["httpd/root", "run/sockets"]) {
    expect(
      slugs(place).filter((name) => !isPlain(name)),
      place,
    ).toEqual([]);
  }
  expect(
    slugs("run/env").filter((name) => !/^\.?[a-z0-9-]+\.(?:sh|pgpass|note)$/.test(name)),
  ).toEqual([]);
  expect(readFileSync(join(project.root, ".ikigai/httpd/nginx.conf"), "utf8")).toBe(conf);
  const checked = await project.run(join(project.root, ".ikigai/bin/nginx"), ["-t"]);
  expect(checked.exitCode, checked.stderr).toBe(0);
  expect(await strays()).toEqual([]);
  expect((await project.http("/main/api/x")).status).toBe(200);
});

test("what is printed moves no cursor and rings no bell", async () => {
  for (const args of [["wt", "list"], ["status"], ["doctor"], ["plan"]]) {
    const { stdout, stderr } = await project.ikigai(...args);
    expect(`${stdout}${stderr}`, args.join(" ")).not.toMatch(
      /[\u0000-\u0008\u000b-\u001f\u007f-\u009f\u202e]/,
    );
  }
});
