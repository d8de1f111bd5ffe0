import { writeFile } from "node:fs/promises";
import { join } from "node:path";
import { afterAll, beforeAll, expect, test } from "vitest";
import { until } from "../database/support.ts";
import { makeProject, type TestProject } from "../support/project.ts";

/** Tries what a request names, and returns the result. */
const PROGRAM = `
const attempts: Record<string, () => unknown> = {
  own: () => Deno.readTextFile("data.txt"),
  environment: () => Deno.env.get("IKIGAI_WORKTREE"),
  postgres: async () => (await Deno.connect({ hostname: "127.0.0.1", port: Number(Deno.env.get("PGPORT")) })).close(),
  above: () => Deno.readTextFile("../../.ikigairc.json"),
  passwd: () => Deno.readTextFile("/etc/passwd"),
  neighbour: () => Deno.readTextFile("../../rel-05/backend/data.txt"),
  secret: () => Deno.readTextFile("../../.ikigai/run/secret"),
  write: () => Deno.writeTextFile("data.txt", "changed"),
  writeElsewhere: () => Deno.writeTextFile("/tmp/iki-never", "x"),
  remove: () => Deno.remove("data.txt"),
  run: () => new Deno.Command("true").output(),
  shell: () => new Deno.Command("/bin/sh", { args: ["-c", "id"] }).output(),
  web: () => fetch("http://example.com/"),
  nginx: () => fetch("http://127.0.0.1:" + new URL(Deno.env.get("IKIGAI_URL")!).port + "/"),
  metadata: () => Deno.connect({ hostname: "169.254.169.254", port: 80 }),
  daemon: () => Deno.connect({ transport: "unix", path: "../../.ikigai/daemon.sock" }),
  listen: () => Deno.listen({ port: 0 }).close(),
  ffi: () => Deno.dlopen("libc.so.6", {}),
};
Deno.serve(async (request) => {
  const name = new URL(request.url).pathname.slice("/api/".length);
  try {
    return new Response("allowed: " + await attempts[name]());
  } catch (error) {
    return new Response("refused: " + (error as Error).name);
  }
});
`;

/** What a user's configuration adds for one service. */
const WIDER = ["--allow-read=/etc/passwd", "--allow-run=true"];
const taskOf = (word: string) =>
  JSON.stringify({
    tasks: { start: `deno run --allow-net --allow-env --allow-read --allow-write app.ts ${word}` },
  });

let project: TestProject;

beforeAll(async () => {
  project = await makeProject({
    app: "services/frontend-only",
    worktrees: ["rel-05"],
    files: {
      "backend/main.ts": PROGRAM,
      "backend/data.txt": "mine",
      "wide/backend/main.ts": PROGRAM,
      "wide/backend/data.txt": "mine",
      "task/backend/deno.json": taskOf("first"),
      "task/backend/app.ts": "Deno.serve(() => new Response(Deno.args[0]));",
    },
    config: { services: { wide: { permissions: WIDER } } },
  });
  expect((await project.ikigai("start")).exitCode).toBe(0);
}, 120_000);
afterAll(() => project?.[Symbol.asyncDispose]());

test.each([
  ["own", "mine"],
  ["environment", "main"],
  ["postgres", "undefined"],
])("a Deno backend may: %s", async (name, result) => {
  expect((await project.http(`/main/api/${name}`)).text).toBe(`allowed: ${result}`);
});

test.each(
  ["above", "passwd", "neighbour", "secret", "write", "writeElsewhere", "remove", "run"].concat([
    "shell",
    "web",
    "nginx",
    "metadata",
    "daemon",
    "listen",
    "ffi",
  ]),
)("a Deno backend may not: %s", async (name) => {
  expect((await project.http(`/main/api/${name}`)).text).toMatch(
    /^refused: (?:NotCapable|PermissionDenied)$/,
  );
});

test("configuration extends the permissions of one backend, by what it names", async () => {
  const ask = async (path: string) => (await project.http(path)).text;
  expect(await ask("/main/wide/api/passwd")).toMatch(/^allowed: root:/);
  expect(await ask("/main/wide/api/run")).toMatch(/^allowed: /);
  for (const name of ["neighbour", "write", "shell", "web"]) {
    expect(await ask(`/main/wide/api/${name}`)).toMatch(/^refused: /);
  }
  expect(await ask("/main/api/passwd")).toMatch(/^refused: /);
});

test("a branch that extends them is held until that is approved", async () => {
  await project.git("main", "worktree", "add", "-q", "-b", "wider", project.worktree("wider"));
  await until(project, "wider", "ready");
  expect((await project.http("/wider/wide/api/write")).text).toMatch(/^refused: /);
  const own = { services: { wide: { permissions: [...WIDER, "--allow-write=data.txt"] } } };
  await writeFile(join(project.worktree("wider"), ".ikigairc.json"), JSON.stringify(own));
  await project.git("wider", "add", ".ikigairc.json");
  await project.git("wider", "commit", "-q", "-m", "wider");
  await project.ikigai("down", "wider/wide");
  const held = await project.http("/wider/wide/api/write");
  expect([held.status, held.text]).toEqual([503, expect.stringContaining("ikigai trust wider")]);
  expect((await project.ikigai("trust", "wider", "--yes")).exitCode).toBe(0);
  expect((await project.http("/wider/wide/api/write")).text).toMatch(/^allowed: /);
});

test("a start task runs as it was approved, in any branch; another one is held", async () => {
  const task = async (slug: string) => (await project.http(`/${slug}/task/api/x`)).text;
  const rewrite = (slug: string, word: string) =>
    writeFile(join(project.worktree(slug), "task/backend/deno.json"), taskOf(word));
  expect(await task("main")).toBe("first");
  expect(await task("rel-05")).toBe("first");
  await project.git("main", "switch", "-q", "-c", "tasker");
  await rewrite("main", "second");
  await project.git("main", "commit", "-q", "-a", "-m", "second");
  await project.git("main", "switch", "-q", "main");
  await project.git("main", "worktree", "add", "-q", project.worktree("tasker"), "tasker");
  await until(project, "tasker", "ready");
  const held = await project.http("/tasker/task/api/x");
  expect(held.status).toBe(503);
  expect(held.text).toContain("task/backend/deno.json tasks.start has not been approved");
  const shown = await project.ikigai("trust", "tasker");
  expect(shown.stdout).toMatch(/-.*app\.ts first[\s\S]*\+.*app\.ts second/);
  expect((await project.ikigai("trust", "tasker", "--yes")).exitCode).toBe(0);
  expect(await task("tasker")).toBe("second");
  // Changed without git noticing: neither the old nor the new one is started.
  await rewrite("tasker", "third");
  await project.ikigai("down", "tasker/task");
  expect((await project.http("/tasker/task/api/x")).status).toBe(503);
  await rewrite("tasker", "first");
  expect(await task("tasker")).toBe("first");
});
