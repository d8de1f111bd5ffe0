import { readdirSync, readFileSync } from "node:fs";
import { chmod, mkdir, rm, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { afterAll, beforeAll, expect, test } from "vitest";
import { parseConf, SERVERS, serversOf } from "../nginx/support/parse.ts";
import { makeProject, type TestProject } from "../support/project.ts";
import { waitFor } from "../support/wait.ts";

/** Names that end a word, a line, a path, a statement, a directive or a terminal's sequence. */
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

/** The name of a service whose backend fails; the name writes to a terminal's clipboard. */
const LOUD = "loud\u001b]0;owned\u0007\u001b[31m\u202e\u009b";

/** Names that no service can have. */
const RESERVED = ["frontend", "api", "node_modules"];

let project: TestProject;

beforeAll(async () => {
  project = await makeProject({ worktrees: ["rel-05"] });
  for (const name of HOSTILE.filter((n) => n !== ".." && n !== "." && n !== "backend")) {
    const service = join(project.worktree("main"), name, "frontend");
    await mkdir(service, { recursive: true });
    await writeFile(join(service, "index.html"), `service ${name}`);
  }
  const loud = join(project.worktree("main"), LOUD, "backend");
  await mkdir(loud, { recursive: true });
  await writeFile(
    join(loud, "run"),
    `#!/bin/sh\nprintf '\\033]52;c;bG91ZA==\\007\\033[31mloud\\033[0m\\n'\nexit 3\n`,
  );
  await chmod(join(loud, "run"), 0o755);
  const started = await project.ikigai("start");
  expect(started.exitCode, started.stderr).toBe(0);
});
afterAll(() => project?.[Symbol.asyncDispose]());

const slugs = (path: string) => readdirSync(join(project.root, ".ikigai", path));
/** `<worktree>.<service>`, a bare name of the default worktree's service, or ikigai's own. */
const isPlainService = (name: string) =>
  /^(?:[a-z0-9-]{1,40}(?:\.[a-z0-9-]{1,40})?|\.default\.[a-z0-9-]{1,40}|(?:nginx|postgres|runsvdir)\.log)$/.test(
    name,
  );
const isPlain = (name: string) => /^(?:\.default|[a-z0-9-]{1,40})$/.test(name);

test("hostile directories are services under plain names, all different, and run nothing", async () => {
  const names = slugs("httpd/root/main");
  expect(names.filter((name) => !isPlain(name))).toEqual([]);
  const served = new Set<string>();
  for (const name of names.filter((n) => n !== "frontend")) {
    const answer = await project.http(`/main/${name}/`);
    expect(answer.status, name).toBe(200);
    served.add(answer.text);
  }
  // A hidden directory, or a name reserved in addresses, is no service.
  const none = [...RESERVED, "...", ".."];
  const expected = HOSTILE.filter((name) => !none.includes(name) && !/^backend$|\//.test(name));
  expect([...served].sort()).toEqual(expected.map((name) => `service ${name}`).sort());
  expect(await strays()).toEqual([]);
});

/** Canaries, wherever a shell might have been. */
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
    // git decides which names a branch can have; the directory is hostile in any case.
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
        // main has a failing service.
        ({ slug, state }: { slug: string; state: string }) => state === "ready" || slug === "main",
      ),
    { deadline: 30_000, every: 500 },
  );
  for (const place of ["httpd/root", "run/sockets"]) {
    expect(
      slugs(place).filter((name) => !isPlain(name)),
      place,
    ).toEqual([]);
  }
  await project.http("/main/api/x");
  for (const place of ["run/services", "sv", "logs", "run/traffic"]) {
    const found = () => slugs(place).filter((name) => !/^\.(?:owners|removed)$/.test(name));
    // nginx writes its traffic down after the client has the answer.
    await waitFor(() => found().length > 0, { what: `names in ${place}` });
    const names = found();
    expect(
      names.filter((name) => !isPlainService(name)),
      place,
    ).toEqual([]);
  }
  expect(
    slugs("run/env").filter((name) => !/^\.?[a-z0-9-]+\.(?:sh|pgpass|note)$/.test(name)),
  ).toEqual([]);
  expect(readFileSync(join(project.root, ".ikigai/httpd/nginx.conf"), "utf8")).toBe(conf);
  expect(serversOf(parseConf(conf))).toEqual(SERVERS);
  const checked = await project.run(join(project.root, ".ikigai/bin/nginx"), ["-t"]);
  expect(checked.exitCode, checked.stderr).toBe(0);
  expect(await strays()).toEqual([]);
  expect((await project.http("/main/api/x")).status).toBe(200);
});

/** Control characters except for line ends, and invisible characters. */
const ORDERS = /[\u0000-\u0008\u000b-\u001f\u007f-\u009f\u200b-\u200f\u202a-\u202e\u2066-\u2069]/;

test("printed text moves no cursor and rings no bell", async () => {
  const loud = slugs("run/services")
    .find((name) => name.startsWith("main.loud"))
    ?.slice(5);
  const config = join(project.worktree("rel-05"), ".ikigairc.json");
  await writeFile(config, JSON.stringify({ [LOUD]: 1, services: { [LOUD]: { [LOUD]: 1 } } }));
  const commands = [
    ...[
      ["wt", "list"],
      ["status"],
      ["doctor"],
      ["plan"],
      ["wt", "show", "main"],
      ["wt", "show", "rel-05"],
    ],
    ...[
      ["trust", "main"],
      ["trust", "rel-05"],
      ["wt", "restore", "--list"],
      ["wt", "prune"],
    ],
    ...[
      ["up", `main/${loud}`],
      ["restart", `main/${loud}`],
      ["down", `main/${loud}`],
    ],
  ];
  for (const args of commands) {
    for (const json of [[], ["--json"]]) {
      const { stdout, stderr } = await project.ikigai(...args, ...json);
      expect(`${stdout}${stderr}`, [...args, ...json].join(" ")).not.toMatch(ORDERS);
      expect(stdout + stderr).not.toBe("");
    }
  }
  for (const args of [["wt", "show", LOUD], ["up", LOUD], ["env", LOUD], ["trust", LOUD], [LOUD]]) {
    const { stdout, stderr, exitCode } = await project.ikigai(...args);
    expect(exitCode).not.toBe(0);
    expect(`${stdout}${stderr}`, args[0]).not.toMatch(ORDERS);
  }
  await rm(config);
});

test("a failing backend's reason is shown, with its terminal sequences escaped", async () => {
  const shown = JSON.parse((await project.ikigai("wt", "show", "main", "--json")).stdout);
  const names = shown.services.map(({ name }: { name: string }) => name);
  expect(names).toContain(LOUD);
  const { slug } = shown.services.find(({ name }: { name: string }) => name === LOUD);
  await project.ikigai("trust", "main", "--yes");
  const { stderr, exitCode } = await project.ikigai("up", `main/${slug}`);
  expect(exitCode).toBe(1);
  expect(stderr).toMatch(/^ {2}\| .* \\u\{1b\}\]52;c;bG91ZA==\\u\{7\}/m);
  expect(stderr).not.toMatch(ORDERS);
});

test.runIf(process.platform === "linux")(
  "logs passes every byte to a program, and only colours to a terminal",
  async () => {
    const log = slugs("logs").find((name) => name.startsWith("main.loud")) ?? "";
    const target = log.replace(".", "/");
    const piped = await project.ikigai("logs", target);
    expect(piped.stdout).toContain("\u001b]52;c;bG91ZA==\u0007");
    const cli = join(import.meta.dirname, "../../dist/cli.cjs");
    const line = `'${process.execPath}' '${cli}' logs '${target}'`;
    const { stdout } = await project.run("script", ["-qec", line, "/dev/null"]);
    expect(stdout).toContain("\\u{1b}]52;c;bG91ZA==\\u{7}\u001b[31mloud\u001b[0m");
    expect(stdout.replaceAll(/\u001b\[[0-9;]*m|\r\n/g, "")).not.toMatch(ORDERS);
  },
);
