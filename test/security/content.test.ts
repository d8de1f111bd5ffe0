import { execFileSync } from "node:child_process";
import {
  existsSync,
  lstatSync,
  mkdirSync,
  readdirSync,
  readFileSync,
  readlinkSync,
  renameSync,
  rmSync,
  symlinkSync,
  writeFileSync,
} from "node:fs";
import { join } from "node:path";
import { afterAll, beforeAll, beforeEach, expect, test } from "vitest";
import { makeProject, type TestProject } from "../support/project.ts";
import { waitFor } from "../support/wait.ts";

let project: TestProject;
/** Beside the project: a branch can reach it only by a link. */
let outside: string;

beforeAll(async () => {
  project = await makeProject();
  outside = join(project.root, "../outside");
  expect((await project.ikigai("start")).exitCode).toBe(0);
});
afterAll(() => project?.[Symbol.asyncDispose]());

beforeEach(() => {
  rmSync(outside, { recursive: true, force: true });
  mkdirSync(join(outside, "bin"), { recursive: true });
  for (const name of ["file", "bin/psql", "index.html"]) {
    writeFileSync(join(outside, name), "stranger");
  }
  const canary = join(outside, "canary");
  const run = `#!/bin/sh\ntouch '${canary}'\n`;
  writeFileSync(join(outside, "run"), run, { mode: 0o755 });
  writeFileSync(join(outside, "main.ts"), `Deno.writeTextFileSync("${canary}", "");`);
  writeFileSync(join(outside, "deno.json"), '{"tasks": {"start": "deno run -A main.ts"}}');
  writeFileSync(join(outside, "package.json"), '{"scripts": {"start": "./run"}}');
});

/** Lists its content, which would include anything written through a link. */
const outsideNow = () =>
  readdirSync(outside, { recursive: true })
    .map(String)
    .sort()
    .map((name) => {
      const path = join(outside, name);
      return lstatSync(path).isFile() ? `${name}: ${readFileSync(path, "utf8")}` : name;
    });

interface Tracked {
  /** Links by path, with their targets. */
  readonly links?: Readonly<Record<string, string>>;
  readonly files?: Readonly<Record<string, string>>;
  /** Paths that main has and this branch lacks. */
  readonly without?: readonly string[];
}

/** Makes a branch with git's plumbing, so that nothing of it was ever in a worktree. */
async function makeBranch(name: string, { links = {}, files = {}, without = [] }: Tracked) {
  const env = { GIT_DIR: join(project.root, ".git"), GIT_INDEX_FILE: join(project.home, name) };
  const git = async (args: string[], input = "") => {
    const { stdout, stderr, exitCode } = await project.run("git", args, { env, input });
    if (exitCode !== 0) throw new Error(stderr);
    return stdout.trim();
  };
  await git(["read-tree", "main"]);
  for (const path of without) await git(["rm", "-r", "-q", "--cached", path]);
  const put = async (mode: string, entries: Readonly<Record<string, string>>) => {
    for (const [path, content] of Object.entries(entries)) {
      const object = await git(["hash-object", "-w", "--stdin"], content);
      await git(["update-index", "--add", "--cacheinfo", `${mode},${object},${path}`]);
    }
  };
  await put("120000", links);
  await put("100644", files);
  const commit = await git(["commit-tree", "-p", "main", "-m", name, await git(["write-tree"])]);
  await git(["update-ref", `refs/heads/${name}`, commit]);
}

interface Listed {
  readonly slug: string;
  readonly state: string;
  readonly problems: readonly string[];
}

const list = async (): Promise<Listed[]> =>
  JSON.parse((await project.ikigai("wt", "list", "--json")).stdout).worktrees;

/** Adds a worktree of that branch outside the project, and waits for its database. */
async function addOutside(name: string): Promise<{ path: string; listed: Listed }> {
  const path = join(project.root, "..", name);
  await project.git(".", "worktree", "add", "--quiet", path, name);
  const listed = await waitFor(async () =>
    (await list()).find(({ slug, state }) => slug === name && state !== "new"),
  );
  await waitFor(() => existsSync(join(project.root, `.ikigai/run/env/${name}.note`)));
  return { path, listed };
}

test.each([
  ["to a file", "../outside/file"],
  ["to nothing", "../outside/absent"],
  ["to the database's passwords", "../project/.ikigai/run/env/main.pgpass"],
])("an .envrc that a branch has as a link %s is not written through", async (what, target) => {
  const name = `envrc-${what.replaceAll(/[^a-z]+/g, "-")}`;
  await makeBranch(name, { links: { ".envrc": target } });
  const [before, secret] = [outsideNow(), join(project.root, ".ikigai/run/env/main.pgpass")];
  const passwords = readFileSync(secret, "utf8");
  const { path } = await addOutside(name);
  expect(readlinkSync(join(path, ".envrc"))).toBe(target);
  expect(outsideNow()).toEqual(before);
  expect(readFileSync(secret, "utf8")).toBe(passwords);
  expect(await project.git(path, "status", "--porcelain")).toBe("");
});

test.each([
  ["file", { files: { ".ikigai": "stranger" } }],
  [
    "directory",
    { files: { ".ikigai/bin/psql": "stranger", ".ikigai/scripts/settings": "touch canary" } },
  ],
  ["link", { links: { ".ikigai": "../outside" } }],
  ["dangling-link", { links: { ".ikigai": "../outside/absent" } }],
] satisfies [string, Tracked][])(
  "a branch's .ikigai that is a %s stays unchanged, and the project is found",
  async (what, tracked) => {
    const name = `own-${what}`;
    await makeBranch(name, tracked);
    const before = outsideNow();
    const { path } = await addOutside(name);
    const shown = await project.run(
      process.execPath,
      [join(import.meta.dirname, "../../dist/cli.cjs"), "env", "--json"],
      { cwd: path },
    );
    expect(shown.exitCode, shown.stderr).toBe(0);
    expect(shown.stdout).toContain(`wt_own_${what.replace("-", "_")}`);
    expect(shown.stdout).toContain(join(project.root, ".ikigai"));
    expect(outsideNow()).toEqual(before);
    expect(await project.git(path, "status", "--porcelain")).toBe("");
  },
);

const BACKEND = ["backend/server.js", "backend/greeting.js", "backend/package.json"];

test.each([
  ["backend", { links: { backend: "../outside" }, without: BACKEND }, "backend is a symbolic link"],
  ["frontend", { links: { frontend: "../outside" }, without: ["frontend"] }, "frontend is a symb"],
  ["run", { links: { "backend/run": "../../outside/run" } }, "backend/run is a link that leaves"],
  [
    "deno",
    { links: { "backend/deno.json": "../../outside/deno.json" }, without: BACKEND },
    "backend/deno.json is a link that leaves",
  ],
  [
    "entry",
    { links: { "backend/main.ts": "../../outside/main.ts" }, without: BACKEND },
    "backend/main.ts is a link that leaves",
  ],
  [
    "package",
    { links: { "backend/package.json": "../../outside/package.json" } },
    "backend/package.json is a link that leaves",
  ],
] satisfies [string, Tracked, string][])(
  "a %s that leads out of the worktree is refused by name and runs nothing",
  async (what, tracked, why) => {
    const name = `leads-${what}`;
    await makeBranch(name, tracked);
    const before = outsideNow();
    const { listed } = await addOutside(name);
    expect(listed.problems.join("\n")).toContain(why);
    for (const address of [`/${name}/api/x`, `/${name}/frontend/`, `/${name}/`]) {
      expect((await project.http(address)).text, address).not.toContain("stranger");
    }
    await project.ikigai("up", name);
    expect(outsideNow()).toEqual(before);
  },
);

/** In rounds, as a directory's name hides its content. */
const REPLACED = [
  [
    ...[".envrc", ".ikigairc.json", ".ikigai", "package.json", "frontend/index.html"],
    ...["run", "deno.json", "deno.jsonc", "main.ts", "package.json"].map((n) => `backend/${n}`),
  ],
  ["backend", "frontend"],
];

test.each([
  ["pipes", (file: string) => execFileSync("mkfifo", [file])],
  ["devices", (file: string) => symlinkSync("/dev/zero", file)],
] as const)("%s in place of a worktree's files keep nobody waiting", async (what, put) => {
  await makeBranch(what, {});
  const { path } = await addOutside(what);
  for (const names of REPLACED) {
    for (const name of names) {
      // By rename, since ikigai recreates its own file as soon as it is removed.
      put(join(path, `${name}.new`));
      if (!name.includes(".")) rmSync(join(path, name), { recursive: true, force: true });
      renameSync(join(path, `${name}.new`), join(path, name));
    }
    // A git event causes a full reconcile; then a command and a request follow.
    await project.git(path, "checkout", "--quiet", "--detach");
    expect([0, 1]).toContain((await project.ikigai("up", what)).exitCode);
    expect((await list()).map(({ slug }) => slug)).toContain(what);
    for (const half of ["frontend/", "frontend/index.html", "api/x"]) {
      const { status } = await project.http(`/${what}/${half}`);
      expect([403, 404, 503], half).toContain(status);
    }
    expect((await project.http("/main/api/x")).status).toBe(200);
    for (const name of names) rmSync(join(path, name));
    await project.git(path, "reset", "--quiet", "--hard");
  }
});
