import { afterAll, beforeAll, expect, test } from "vitest";
import { makeProject, type TestProject } from "../support/project.ts";

/** Tries what a request names, and says how that went. */
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

let project: TestProject;

beforeAll(async () => {
  project = await makeProject({
    app: "services/frontend-only",
    worktrees: ["rel-05"],
    files: { "backend/main.ts": PROGRAM, "backend/data.txt": "mine" },
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
